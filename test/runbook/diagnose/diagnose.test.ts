import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import { Diagnosis } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { DiagnoseInput } from '../../../src/runbook/diagnose/evidence.ts';
import { readFileSync } from 'node:fs';
import type { ReachError } from '../../../src/runbook/snapshot/snapshot.ts';
import {
  aProblem,
  aReading,
  aSnapshot,
  aSource,
  aTarget,
  refused,
  sessions,
  takenAt,
} from './builders.ts';
import * as scenes from './scenes.ts';

const all: readonly (readonly [string, () => DiagnoseInput])[] = [
  ['healthy', () => scenes.input()],
  ['healthy and busy', scenes.healthyBusy],
  ['leak in transaction', scenes.leakInTransaction],
  ['idle leak', scenes.leakIdle],
  ['slow queries', scenes.slowQueries],
  ['uncommitted', scenes.uncommitted],
  ['scaling', scenes.scaling],
  ['pool too large', scenes.poolTooLarge],
  ['pool too small', scenes.poolTooSmall],
  ['lock contention', scenes.lockContention],
  ['two at once', scenes.slowAndUncommitted],
  [
    'no database',
    () => scenes.input({ snapshot: aSnapshot({ reading: null, reach: refused('full') }) }),
  ],
];

test.for(all)('%s: the diagnosis is what its schema says, and survives JSON', ([, scene]) => {
  const diagnosis = diagnose(scene());
  expect(Diagnosis.parse(JSON.parse(JSON.stringify(diagnosis)))).toEqual(diagnosis);
});

test.for(all)('%s: the same look gives the same diagnosis, and stays untouched', ([, scene]) => {
  const input = scene();
  const before = structuredClone(input);
  expect(diagnose(input)).toEqual(diagnose(structuredClone(input)));
  expect(input).toEqual(before);
});

const headlines: readonly (readonly [string, string, () => DiagnoseInput])[] = [
  ['fine', '11 of 97 usable connections.', () => scenes.input()],
  ['critical', '92 of 97 usable connections, full in about 1 minute.', scenes.leakInTransaction],
  ['critical', '97 of 97 usable connections: full.', scenes.scaling],
  ['warning', '82 of 97 usable connections.', scenes.healthyBusy],
];

test.for(headlines)('%s: %s', ([state, headline, scene]) => {
  expect(diagnose(scene())).toMatchObject({ state, headline });
});

const blind: readonly (readonly [ReachError['kind'], string, RegExp])[] = [
  ['full', 'critical', /full and refuses new connections/],
  ['frozen', 'critical', /does not answer/],
  ['stopped', 'critical', /not running/],
  ['auth', 'unknown', /refuses dbconn's login/],
  ['privilege', 'unknown', /lacks the privilege/],
  ['network', 'unknown', /cannot be reached/],
];

test.for(blind)('without a rung, %s is %s and says so', ([kind, state, headline]) => {
  const snapshot = aSnapshot({
    reading: null,
    reach: refused(kind),
    services: aProblem('not-configured'),
  });
  const diagnosis = diagnose(scenes.input({ snapshot }));
  expect(diagnosis).toMatchObject({
    state,
    capacity: null,
    server: null,
    sources: [],
    sessions: [],
  });
  expect(diagnosis.headline).toMatch(headline);
  // The headline says what it is; the verdict does not say the same again.
  expect(diagnosis.verdict).toBe('PostgreSQL could not be read, so no cause was checked.');
  expect(diagnosis.reach.error).toEqual({ kind, summary: `PostgreSQL: ${kind}.`, fix: 'Do this.' });
});

test('a role that sees only itself gives no verdict', () => {
  const reading = aReading({
    counts: { hidden: 40 },
    visibility: { ...aReading().visibility, monitor: false },
  });
  const diagnosis = diagnose(scenes.input({ snapshot: aSnapshot({ reading }) }));
  expect(diagnosis).toMatchObject({ state: 'unknown', causes: [], proposals: [] });
  expect(diagnosis.headline).toMatch(/^At least 11 of 97/);
  expect(diagnosis.verdict).toMatch(/^The state is unknown/);
});

test.for([
  [/^Nothing is wrong\.$/, () => scenes.input()],
  [/^No known cause: the connections appear to be in use\.$/, scenes.healthyBusy],
  [
    /^Likely cause: connection leak\. Connections of backend are not returned\.$/,
    scenes.leakInTransaction,
  ],
  [/^Likely .* Also likely: /, scenes.slowAndUncommitted],
] as const)('the verdict reads %s', ([verdict, scene]) => {
  expect(diagnose(scene()).verdict).toMatch(verdict);
});

test("dbconn's own session is counted but never shown", () => {
  const reading = aReading({
    sessions: [...sessions(1, () => ({ own: true })), ...sessions(1, () => ({}))],
  });
  const diagnosis = diagnose(scenes.input({ snapshot: aSnapshot({ reading }) }));
  expect(diagnosis.sessions.length).toBe(1);
  expect(diagnosis.capacity?.used).toBe(11);
});

test('superusers in the reserve push the utilisation above 1 and the free slots never below 0', () => {
  const reading = aReading({ counts: { clients: 99 } });
  expect(diagnose(scenes.input({ snapshot: aSnapshot({ reading }) })).capacity).toMatchObject({
    usable: 97,
    used: 99,
    free: 0,
    utilisation: 99 / 97,
  });
});

test('every reserve is taken off the usable slots', () => {
  const capacity = { maxConnections: 100, superuserReserved: 3, reserved: 2, providerReserved: 4 };
  const { capacity: found } = diagnose(
    scenes.input({ snapshot: aSnapshot({ reading: aReading({ capacity }) }) }),
  );
  expect(found).toMatchObject({ reserved: 9, usable: 91 });
});

test.for([
  [130_023, '13.23'],
  [180_004, '18.4'],
] as const)('server_version_num %i is %s', ([version, name]) => {
  expect(
    diagnose(scenes.input({ snapshot: aSnapshot({ reading: aReading({ version }) }) })).server
      ?.version,
  ).toBe(name);
});

test('the chart ends with this look', () => {
  const diagnosis = diagnose(scenes.healthyBusy());
  expect(diagnosis.history.at(-1)).toEqual({ at: takenAt, used: 82, usable: 97 });
  expect(diagnosis.history.length).toBe(5);
});

test('limits of the target move the thresholds', () => {
  const target = aTarget({
    limits: { ...aTarget().limits, warningUtilisation: 0.1, criticalUtilisation: 0.11 },
  });
  expect(diagnose(scenes.input({ target })).state).toBe('critical');
});

test('replicas of a service are one holder, and the nameless go by their role', () => {
  const sources = [
    aSource({ client: '10.0.0.5', application: 'backend', total: 4 }),
    aSource({ client: '10.0.0.6', application: 'backend', total: 5 }),
    aSource({ client: null, application: '', user: 'cron', total: 1 }),
  ];
  const { holders } = diagnose(
    scenes.input({ snapshot: aSnapshot({ reading: aReading({ sources }) }) }),
  );
  expect(holders.map(({ name, clients, total }) => [name, clients, total])).toEqual([
    ['backend', 2, 9],
    ['cron', 1, 1],
  ]);
});

test('docs/json.md names every field', () => {
  const text = readFileSync(new URL('../../../docs/json.md', import.meta.url), 'utf8');
  const names = new Set(fieldNames(Diagnosis.toJSONSchema()));
  expect(names.size).toBeGreaterThan(90);
  expect([...names].filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
});

function fieldNames(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own =
    'properties' in schema && typeof schema.properties === 'object'
      ? Object.keys(schema.properties ?? {})
      : [];
  return [...own, ...Object.values(schema).flatMap(fieldNames)];
}
