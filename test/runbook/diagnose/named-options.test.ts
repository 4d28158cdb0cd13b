import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Diagnosis } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { DiagnoseInput } from '../../../src/runbook/diagnose/evidence.ts';
import type { Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import { readPrevention } from '../../../src/runbook/reports/prevention.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { misleading } from '../../support/named-options.ts';
import { aProblem, aReading, aSnapshot, aSource, aTarget } from './builders.ts';
import * as scenes from './scenes.ts';

const { input: _input, ...stories } = scenes;

/** A server whose slots the services' old and new replicas take together. */
function deploy(): DiagnoseInput {
  const night = scenes.scaling();
  const { services } = night.snapshot;
  if (!services.ok) throw new Error('Its containers are seen.');
  const mixed = services.value.services.map((service) => ({
    ...service,
    replicas: service.replicas.map((one, at) => ({ ...one, imageId: at % 2 === 0 ? 'a' : 'b' })),
  }));
  const value = { ...services.value, services: mixed };
  return { ...night, snapshot: { ...night.snapshot, services: { ...services, value } } };
}

/** Most slots belong to a role of nobody who is configured, idle for long. */
function strangers(): DiagnoseInput {
  const idle = { user: 'bi', application: 'bi', client: '10.9.0.1', total: 88, idle: 88 };
  const snapshot = aSnapshot({
    reading: aReading({
      counts: { clients: 94, active: 2, idle: 92, idleOverTerminate: 88 },
      sources: [
        aSource({ ...idle, idleOverTerminate: 88, oldestIdleSeconds: 4_000 }),
        aSource({ total: 5, active: 1, idle: 4 }),
      ],
    }),
  });
  return scenes.input({ snapshot });
}

const nights: Record<string, () => DiagnoseInput> = { ...stories, deploy, strangers };
const means: readonly (readonly [string, Partial<Target>])[] = [
  ['all means', { canAct: true, canResize: true }],
  ['nothing to act with', { canAct: false, canResize: false }],
  ['a service that is never restarted', { canAct: false, neverRestart: ['backend'] }],
];

function withoutDocker(snapshot: Snapshot): Snapshot {
  const problem = aProblem('forbidden');
  return { ...snapshot, services: { ok: false, tookMs: 1, problem } };
}

describe.each(Object.entries(nights))('on the night of %s', (_, night) => {
  test.each(means)('with %s no sentence names an option that is not offered', (_name, more) => {
    const { snapshot, target, recent } = night();
    for (const seen of [snapshot, withoutDocker(snapshot)]) {
      const input = { snapshot: seen, target: { ...target, ...more }, recent };
      expect(misleading(diagnose(input))).toEqual([]);
    }
  });
});

const folder = new URL('../../fixtures/bundles/', import.meta.url);
const bundles = readdirSync(folder).filter((name) => name.endsWith('.json'));

const TargetCheck = z.object({
  body: z.object({
    facts: z.object({ examination: z.custom<DiagnoseInput>((value) => typeof value === 'object') }),
  }),
});

test.each(bundles)('nor does what today is said of the drill %s', (name) => {
  const { entries } = z
    .object({ entries: z.array(z.unknown()) })
    .parse(JSON.parse(readFileSync(new URL(name, folder), 'utf8')));
  const checks = entries.flatMap((entry) => TargetCheck.safeParse(entry).data ?? []);
  expect(checks.length).toBeGreaterThan(0);
  expect(checks.flatMap(({ body }) => misleading(diagnose(body.facts.examination)))).toEqual([]);
});

function fixOf(diagnosis: Diagnosis, finding: string): string {
  return diagnosis.findings.find(({ id }) => id === finding)?.fix ?? '';
}

test('each option is named beside what it is for, where it is offered', () => {
  const said = (night: DiagnoseInput, finding: string): string =>
    fixOf(diagnose({ ...night, target: { ...night.target, canAct: true } }), finding);
  expect(said(scenes.leakInTransaction(), 'idle-in-transaction')).toContain('Option A ends');
  expect(said(scenes.leakInTransaction(), 'terminate-candidates')).toContain('Option A ends');
  expect(said(scenes.lockContention(), 'lock-waits')).toContain('Option D');
  expect(said(scenes.scaling(), 'budget-can-exhaust')).toContain('Option E');
  expect(said(strangers(), 'strangers')).toContain('/dbconn propose prevention connection-limit');
  expect(said(strangers(), 'strangers')).toContain('Option A ends the idle ones');
});

test('during a deploy the budget waits for its end, and prevention offers neither E nor B', () => {
  const { snapshot, recent } = deploy();
  const target = aTarget({ canAct: true, canResize: true });
  const diagnosis = diagnose({ snapshot, target, recent });
  expect(fixOf(diagnosis, 'budget-can-exhaust')).toContain('after the deploy');
  const commands = readPrevention({ snapshot, target, diagnosis }).checks.map(
    ({ command = '' }) => command,
  );
  expect(commands.filter((one) => /^propose [BE]/.test(one))).toEqual([]);
  const later = scenes.scaling();
  const then = readPrevention({ ...later, target, diagnosis: diagnose({ ...later, target }) });
  expect(then.checks.map(({ command = '' }) => command).join()).toContain('propose E');
});
