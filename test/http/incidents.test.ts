import { afterEach, beforeEach, expect, test } from 'vitest';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { createIncidents } from '../../src/runbook/incidents/incidents.ts';
import type { Incidents } from '../../src/runbook/incidents/incidents.ts';
import { defaultIncidentRules } from '../../src/runbook/incidents/rules.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import type { Target } from '../../src/runbook/snapshot/target.ts';
import { systemClock } from '../../src/timing.ts';
import { makeJournalFolder } from '../journal/temporary-journal.ts';
import type { JournalFolder } from '../journal/temporary-journal.ts';
import { readFixture } from './read-fixture.ts';
import { serve } from './served.ts';
import type { Served } from './served.ts';

const firing = readFixture('01-firing-DatabaseConnectionPoolExhausted');
const resolved = readFixture('05-resolved-DatabaseConnectionPoolExhausted');

let folder: JournalFolder;
let journal: StoredJournal;
let incidents: Incidents;
let served: Served;

/** Webhooks that come over HTTP, and the incidents they make in a journal on disk. */
beforeEach(async () => {
  folder = makeJournalFolder();
  journal = await folder.open();
  incidents = createIncidents({
    log: journal,
    clock: systemClock,
    targets: [target('orders', '172.18.0.2:5432'), target('billing', '172.18.0.3:5432')],
    rules: defaultIncidentRules,
    policyOf: () => [],
  });
  served = await serve({ incidents });
});

afterEach(async () => {
  await served.close();
  folder.close();
});

function target(name: string, server: string): Target {
  return {
    name,
    services: [],
    applicationRoles: [],
    protectedApplications: [],
    limits: defaultLimits,
    links: { guides: [] },
    contacts: {},
    alertLabels: [{ server }],
  };
}

async function openTargets(): Promise<readonly string[]> {
  const open = await incidents.list();
  if (!open.ok) throw new Error(open.refusal.why);
  return open.value.map((incident) => incident.target);
}

test('two hundred webhooks of one alert are one incident, each answered 202', async () => {
  const statuses: number[] = [];
  for (let burst = 0; burst < 10; burst += 1) {
    const sent = Array.from({ length: 20 }, async () => (await served.send(firing)).status);
    statuses.push(...(await Promise.all(sent)));
  }
  expect(statuses).toEqual(Array.from({ length: 200 }, () => 202));
  expect(await openTargets()).toEqual(['orders']);
  const metrics = await (await served.get('/metrics')).text();
  expect(metrics).toContain('dbconn_alerts_total{outcome="opened"} 1\n');
  expect(metrics).toContain('dbconn_alerts_total{outcome="known"} 199\n');
});

test('a webhook that is replayed writes nothing, the resolved one neither', async () => {
  await served.send(firing);
  const afterFirst = await journal.head();
  await served.send(firing);
  expect(await journal.head()).toEqual(afterFirst);
  await served.send(resolved);
  const afterEnd = await journal.head();
  expect(afterEnd.seq).toBeGreaterThan(afterFirst.seq);
  // Whoever sends the captured firing again does not bring it back: it is the same firing, and it has ended.
  for (const body of [resolved, firing, resolved]) {
    expect((await served.send(body)).status).toBe(202);
  }
  expect(await journal.head()).toEqual(afterEnd);
});

test('a resolved alert ends the trigger, not the incident: no look agreed yet', async () => {
  await served.send(firing);
  await served.send(resolved);
  expect(await openTargets()).toEqual(['orders']);
  const current = await incidents.current('orders');
  if (!current.ok || current.value === null) throw new Error('There is no incident.');
  expect(current.value.triggers).toMatchObject([
    { kind: 'alert', name: 'DatabaseConnectionPoolExhausted', fingerprint: 'ad0ca6886f893e2b' },
  ]);
  expect(current.value.triggers[0]?.endedAt).not.toBeNull();
});

test('a forged, a malformed and an oversized webhook leave the journal as it was', async () => {
  const before = await journal.head();
  const statuses = [
    await served.send(firing, { authorization: 'Bearer a-token-of-somebody-else' }),
    await served.send(firing.slice(0, -1)),
    await served.send(JSON.stringify({ ...JSON.parse(firing), padding: 'x'.repeat(2 ** 20) })),
  ].map(({ status }) => status);
  expect(statuses).toEqual([401, 400, 413]);
  expect(await journal.head()).toEqual(before);
  expect(await openTargets()).toEqual([]);
});

test('while the journal cannot be written alerts are answered 503, and taken when it can again', async () => {
  folder.closeJournals();
  expect((await served.send(firing)).status).toBe(503);
  await served.close();
  journal = await folder.open();
  const again = createIncidents({
    log: journal,
    clock: systemClock,
    targets: [target('orders', '172.18.0.2:5432')],
    rules: defaultIncidentRules,
    policyOf: () => [],
  });
  served = await serve({ incidents: again });
  expect((await served.send(firing)).status).toBe(202);
});
