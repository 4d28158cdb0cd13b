import { afterEach, expect, test } from 'vitest';
import type { KeptNote } from '../../../src/runbook/incidents/incident-log.ts';

import type { Escalation } from '../../../src/runbook/incidents/rules.ts';
import { createRecords } from '../../../src/runbook/reports/reporter.ts';
import type { IncidentReport } from '../../../src/runbook/reports/report.ts';
import { writeReport } from '../../../src/runbook/reports/write-report.ts';
import { buildIncident } from '../../journal/build-incident.ts';
import { aTarget } from '../diagnose/builders.ts';
import { toAdviceInput } from '../../../src/runbook/reports/advice/advice-input.ts';
import { adviseTransactionTimeout } from '../../../src/runbook/reports/advice/timeouts.ts';
import { at, endedThem, runCheck, leakNight, openNight, value } from './night.ts';
import type { Look, Night } from './night.ts';
import type { JournalDraft } from '../../../src/runbook/approvals/journal.ts';

let night: Night | undefined;
afterEach(() => {
  night?.close();
  night = undefined;
});

async function reportOf(
  changes: Parameters<typeof leakNight>[0] = {},
  look: Partial<Look> = {},
): Promise<IncidentReport> {
  const it = await leakNight(changes, look);
  night = it.night;
  expect(it.incident.state).toBe('resolved');
  const records = createRecords({ log: it.night.journal, targets: [it.night.target] });
  return value(await records.readReport(it.incident.id));
}

function advice({ prevention }: IncidentReport, setting: string): string | undefined {
  return prevention.find((one) => one.setting.startsWith(setting))?.better;
}

test('the title says how long it lasted, how bad it was and why, by configured names', async () => {
  const { title } = await reportOf();
  expect(title).toBe('shop ran out of connections for 8 minutes: connection leak in backend.');
});

test('the graph goes back before the opening, keeps the peak, and is in order', async () => {
  const { graph } = await reportOf();
  expect(graph[0]).toEqual({ at: at(0), used: 50, usable: 97 });
  expect(Math.max(...graph.map(({ used }) => used))).toBe(97);
  const times = graph.map(({ at: time }) => Date.parse(time));
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test('each phase is measured: detected from the warning line on, the others from the opening', async () => {
  const { phases } = await reportOf();
  expect(phases.map(({ name, tookMs }) => [name, (tookMs ?? 0) / 60_000])).toEqual([
    ['detect', 2],
    ['acknowledge', 2],
    ['first change', 4],
    ['resolve', 8],
  ]);
});

test('a call that was sent is a phase of its own, and one that was not is none', async () => {
  const call: Escalation = {
    id: 'step-0',
    who: 'on-call',
    via: 'pager',
    dueAt: at(5),
    state: 'sent',
    sentAt: at(6),
    tries: 1,
    reasons: [],
    by: null,
    quote: null,
  };
  const failed: Escalation = { ...call, id: 'step-1', who: 'backend-lead', state: 'failed' };
  const incident = buildIncident({ escalations: [call, failed] });
  const { phases } = writeReport({ incident, notes: [], requests: [], target: aTarget() });
  expect(phases.filter(({ name }) => name.startsWith('notify'))).toEqual([
    { name: 'notify on-call engineer', tookMs: 6 * 60_000 },
  ]);
});

test('the cause comes with its evidence, and the remedy with its votes and outcome', async () => {
  const { cause, remedies } = await reportOf();
  expect(cause?.cause).toBe('connection-leak');
  expect(cause?.because.length).toBeGreaterThan(0);
  expect(remedies.map(({ votes, result }) => [votes.length, result?.outcome?.word])).toEqual([
    [1, 'fixed'],
  ]);
});

test('the time-out is the longest that ends enough forgotten transactions and none at work', async () => {
  const report = await reportOf();
  const [first] = report.prevention;
  expect(first).toMatchObject({
    setting: 'idle_in_transaction_session_timeout',
    now: 'off',
    better: '2min',
    command: 'propose prevention idle-in-transaction 2m',
  });
  expect(first?.because).toMatch(/38 forgotten transactions .* 5 minutes .* 2 seconds/);
});

test('no command is given where no role may set it', async () => {
  const { prevention } = await reportOf({ canAct: false });
  expect(prevention[0]?.setting).toBe('idle_in_transaction_session_timeout');
  expect(prevention[0]?.command).toBeUndefined();
});

test('where people let transactions rest on purpose, no time-out shorter than twice that is advised', () => {
  const settings = { idle_in_transaction_session_timeout: 0 };
  const look = { minute: 0, used: 97, forgotten: [60], working: 2, poolSize: 60, settings };
  const ground = toAdviceInput(aTarget(), runCheck(aTarget(), [], look));
  const advise = (longestHarmlessMs: number | null, forgottenMs: readonly number[]): unknown =>
    adviseTransactionTimeout(ground, { longestHarmlessMs, forgottenMs }, 1)[0];
  expect(advise(50 * 60_000 + 1500, [3_600_000])).toMatchObject({
    better: '101min',
    because: expect.stringContaining(
      'No time-out separates enough of them from active ones',
    ) as unknown,
  });
  expect(advise(null, [4000])).toMatchObject({
    better: '10min',
    because: expect.stringContaining('Slots ran short before any time-out could') as unknown,
  });
});

test('a time-out that is as short already is not advised', async () => {
  const settings = { idle_in_transaction_session_timeout: 60_000 };
  expect(advice(await reportOf({}, { settings }), 'idle_in')).toBeUndefined();
});

test('pools that fit get no advice; pools that do not are made to fit with room to spare', async () => {
  const fitting = await reportOf();
  expect(advice(fitting, 'DATABASE_POOL_SIZE')).toBeUndefined();
  expect(advice(fitting, 'max_connections')).toBeUndefined();
  night?.close();
  const large = await reportOf({}, { poolSize: 100 });
  const [size = 0, overflow = 0] = (advice(large, 'DATABASE_POOL_SIZE') ?? '')
    .split(' + ')
    .map(Number);
  expect(size + overflow).toBe(77);
  expect(advice(large, 'max_connections')).toBe('150');
});

test('a warning line that would have given five minutes is advised, with the figures', async () => {
  const slow = await openNight();
  night = slow;
  for (const [minute, used] of [
    [0, 55],
    [2, 60],
    [4, 65],
    [6, 70],
    [8, 74],
    [9, 80],
    [10, 97],
    [11, 97],
  ] as const) {
    await slow.look(minute, used);
  }
  const open = value(await slow.incidents.current('shop'));
  const records = createRecords({ log: slow.journal, targets: [slow.target] });
  const { prevention } = value(await records.readReport(open?.id ?? ''));
  const found = prevention.find(({ setting }) => setting.includes('threshold'));
  expect(found).toMatchObject({ now: '80%', better: '60%' });
});

test('a long night is drawn with few figures, and measured with all of them', () => {
  const rising = (minute: number): number => (minute < 30 ? 40 : 85);
  // Every half minute for six hours, calm in the last half minute before the opening.
  const looks = Array.from({ length: 720 }, (_, index) => index / 2).map((minute) => ({
    at: at(minute),
    headline: 'Looked.',
    capacity: { used: minute === 59.5 ? 40 : rising(minute), usable: 100 },
  }));
  const notes = looks.map((look, index): KeptNote => {
    const rest = { state: 'warning', verdict: '', cause: null, option: null, subject: null };
    const seen = { ...look, ...rest };
    return { kind: 'incident-seen', sentence: null, seq: index + 1, at: look.at, facts: { seen } };
  });
  const closing = { by: null, at: at(359), sentence: 'It is over.', reason: null };
  const incident = buildIncident({ openedAt: at(60), state: 'resolved', closing });
  const report = writeReport({ incident, notes, requests: [], target: aTarget() });
  expect(report.graph).toHaveLength(120);
  expect(report.gaps.join(' ')).not.toContain('lie between two figures');
  expect(report.phases[0]).toEqual({ name: 'detect', tookMs: 0 });
});

test('of an open incident the report says that it is not resolved', async () => {
  const open = await openNight();
  night = open;
  for (const minute of [0, 1, 2]) await open.look(minute, 97);
  const incident = value(await open.incidents.current('shop'));
  const records = createRecords({ log: open.journal, targets: [open.target] });
  const { title } = value(await records.readReport(incident?.id ?? ''));
  expect(title).toContain(' ran out of connections, not resolved yet: ');
});

test('what was proposed before it opened and ran while it lasted is among what was done', async () => {
  const it = await openNight();
  night = it;
  const early = await endedThem(-3, [1]);
  const during = { ...early, result: early.result && { ...early.result, endedAt: at(3) } };
  const old = await endedThem(-15, [2]);
  const entry = (id: string): JournalDraft => ({ request: id, kind: 'proposed', body: {} });
  await it.journal.create(during, entry(during.id));
  await it.journal.create({ ...old, id: 'req-0' }, entry('req-0'));
  for (const minute of [0, 1, 2]) await it.look(minute, 97);
  const incident = value(await it.incidents.current('shop'));
  const records = createRecords({ log: it.journal, targets: [it.target] });
  const { remedies } = value(await records.readReport(incident?.id ?? ''));
  expect(remedies.map(({ id }) => id)).toEqual([during.id]);
});

test('what was proposed after the end belongs to another story', async () => {
  const late = await endedThem(30, [1]);
  const closing = { by: null, at: at(10), sentence: 'It is over.', reason: null };
  const incident = buildIncident({ state: 'resolved', closing });
  const report = writeReport({ incident, notes: [], requests: [late], target: aTarget() });
  expect(report.remedies).toEqual([]);
});

test('what dbconn cannot tell is said: nothing kept, nothing seen, nothing readable', () => {
  const facts = { examination: { version: 99 }, truncated: true };
  const notes = [
    { kind: 'incident-opened', sentence: 'It opened.', seq: 1, at: at(0), facts },
  ] as const;
  const incident = buildIncident();
  const { gaps, cause, graph } = writeReport({ incident, notes, requests: [], target: aTarget() });
  expect(graph).toEqual([]);
  expect(cause).toBeNull();
  expect(gaps.join(' ')).toMatch(
    /No check saw .* No check was kept .* 1 kept check had more .* cannot read 1 kept check/,
  );
});

test('there is no report of an incident that never was', async () => {
  night = await openNight();
  const records = createRecords({ log: night.journal, targets: [] });
  const answer = await records.readReport('inc-nothing1');
  expect(answer).toMatchObject({ ok: false, refusal: { kind: 'unknown-incident' } });
});

test('a target that left the configuration is reported all the same', async () => {
  const it = await leakNight();
  night = it.night;
  const records = createRecords({ log: it.night.journal, targets: [] });
  const report = value(await records.readReport(it.incident.id));
  expect(report.title).toBe('shop ran out of connections for 8 minutes: connection leak.');
});
