import { expect, test } from 'vitest';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { OutcomeWord } from '../../../src/runbook/approvals/verify/outcome.ts';
import type { Cause, Diagnosis, Proposal } from '../../../src/runbook/diagnose/diagnosis.ts';
import { findReasons } from '../../../src/runbook/escalation/reasons.ts';
import { outcomeWords } from '../../../src/runbook/incidents/record-request.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import type { IncidentView } from '../../../src/runbook/incidents/incidents.ts';
import type { ReasonName } from '../../../src/runbook/incidents/rules.ts';
import type { Item } from '../../../src/runbook/remedies/remedy.ts';
import { buildIncident } from '../../journal/build-incident.ts';
import { aDiagnosis, aHolder, aSession, aSource } from '../../slack/support/diagnoses.ts';
import { buildPlan, buildRequest, buildSession } from '../approvals/builders.ts';

const openedAt = '2026-11-23T03:00:00.000Z';
const leak: Cause = {
  cause: 'connection-leak',
  confidence: 0.9,
  summary: 'It leaks.',
  because: [],
  against: [],
};
const restart: Proposal = {
  option: 'C',
  subject: 'backend',
  summary: 'Restart it.',
  slotsFreed: 60,
  blocked: null,
};
const budgetLine = {
  replicas: 1,
  workers: 1,
  poolSize: 5,
  maxOverflow: 10,
  mayOpen: 15,
  holds: 10,
};

/** A clear case, for which nothing speaks: its cause is known and a restart would help. */
function calm(changes: Partial<Diagnosis> = {}): Diagnosis {
  const diagnosis = aDiagnosis();
  const lines = ['backend', 'worker'].map((service) => ({ ...budgetLine, service }));
  const budget = { ...diagnosis.budget, lines };
  return { ...diagnosis, budget, causes: [leak], proposals: [restart], logs: [], ...changes };
}

interface Scene extends Partial<Omit<IncidentView, 'incident'>> {
  readonly minutes?: number;
  readonly incident?: Partial<Incident>;
}

function find({ minutes = 10, incident, ...view }: Scene): Partial<Record<ReasonName, string>> {
  const found = findReasons(
    {
      incident: buildIncident({ openedAt, ...incident }),
      diagnosis: calm(),
      requests: [],
      ineffective: [],
      ...view,
    },
    Date.parse(openedAt) + minutes * 60_000,
  );
  return Object.fromEntries(found.map(({ name, sentence }) => [name, sentence]));
}

test('nothing is a reason while the cause is known and nothing was tried', () => {
  expect(find({})).toEqual({});
});

test.for<[string, Partial<Diagnosis>, string]>([
  ['no cause fits', { causes: [] }, 'After 10 minutes no cause fits.'],
  [
    'the likeliest is a guess',
    { causes: [{ ...leak, confidence: 0.3 }] },
    'After 10 minutes the most likely cause is connection leak, only 30% sure.',
  ],
  [
    'the largest holder is nobody’s',
    { holders: [aHolder({ name: 'x<!channel>', service: null, total: 60 })] },
    'After 10 minutes the largest holder (60 of 97 slots) belongs to no configured service.',
  ],
  [
    'PostgreSQL cannot be looked at',
    {
      state: 'unknown',
      capacity: null,
      causes: [],
      reach: { via: 'none', rungs: [], error: { kind: 'frozen', summary: 'It hangs.', fix: '' } },
    },
    'After 10 minutes the holders of the connections are still unknown: PostgreSQL cannot be reached (frozen).',
  ],
])('the source is not identified when %s', ([, change, sentence]) => {
  const diagnosis = calm(change);
  expect(find({ diagnosis })).toMatchObject({ 'source-not-identified': sentence });
  expect(find({ diagnosis, minutes: 1 })).toEqual({});
  expect(find({ diagnosis: { ...diagnosis, state: 'fine' } })).toEqual({});
});

test('without configured services no holder can belong to one', () => {
  const holders = [aHolder({ service: null })];
  const budget = { ...aDiagnosis().budget, lines: [] };
  expect(find({ diagnosis: calm({ holders, budget }) })).toEqual({});
});

function aResult(items: readonly Item[], word: OutcomeWord | null): ApprovalRequest['result'] {
  const looks = { before: null, after: null, later: null };
  const outcome = word === null ? null : { word, sentence: '95 used before, 95 after.', ...looks };
  const report = { items: [...items], summary: 'Done.', finished: true };
  return { report, outcome, endedAt: '2026-11-23T03:06:00.000Z' };
}

function anEnded(
  outcome: OutcomeWord | null,
  change: Partial<ApprovalRequest> = {},
): Promise<ApprovalRequest> {
  return buildRequest({
    state: 'done',
    proposedAt: '2026-11-23T03:05:00.000Z',
    result: aResult([], outcome),
    ...change,
  });
}

test.for(['partly', 'unchanged', 'refilled', 'worse'] as const)(
  'a remedy that ended %s is one the trouble outlasted',
  async (word) => {
    const requests = [await anEnded(word)];
    expect(find({ requests, minutes: 7 })).toEqual({
      'persists-after-remedy': `Option A did not fix it (${outcomeWords[word]}). 95 used before, 95 after.`,
    });
    expect(find({ requests, minutes: 7, diagnosis: calm({ state: 'fine' }) })).toEqual({});
  },
);

test('a remedy that helped has five minutes to show it', async () => {
  const requests = [await anEnded('fixed')];
  expect(find({ requests, minutes: 10 })).toEqual({});
  expect(find({ requests, minutes: 12 })).toEqual({
    'persists-after-remedy': 'Option A ran 6 minutes ago, but the problem persists.',
  });
});

test('only the latest remedy counts, and none of before the incident came back', async () => {
  const later = '2026-11-23T03:09:00.000Z';
  const fixed = await anEnded('fixed', { id: 'r2' });
  const result = fixed.result === null ? null : { ...fixed.result, endedAt: later };
  const requests = [await anEnded('unchanged'), { ...fixed, result }];
  expect(find({ requests })).toEqual({});
  const incident = { reopenedAt: ['2026-11-23T03:08:00.000Z'] };
  expect(find({ requests: requests.slice(0, 1), incident })).toEqual({});
});

test('a change of configuration is a reason when it is recommended, left over, or waits for votes', async () => {
  const resize: Proposal = { ...restart, option: 'E' };
  const ineffective = [{ option: 'C', subject: 'backend', sentence: 'No.' }] as const;
  const wait = await buildRequest({ option: 'B', votesNeeded: 2 });
  expect(find({ diagnosis: calm({ proposals: [restart, resize] }) })).toEqual({});
  expect(find({ diagnosis: calm({ proposals: [resize, restart] }) })).toEqual({
    'needs-configuration-change': 'Option E fits best and changes the configuration.',
  });
  expect(find({ diagnosis: calm({ proposals: [restart, resize] }), ineffective })).toEqual({
    'needs-configuration-change':
      'Other remedies did not help. Option E is left and changes the configuration.',
  });
  expect(find({ requests: [wait] })).toEqual({
    'needs-configuration-change': 'Option B changes the configuration and needs 2 more votes.',
  });
  expect(find({ requests: [wait], minutes: 20 })).toEqual({});
});

function item(what: string, outcome: Item['outcome'], detail = 'So it is.'): Item {
  return { what, outcome, detail, lines: [] };
}

test('sessions that had written and were ended are a concern, by their pids', async () => {
  const writer = (pid: number) => ({ ...buildSession(pid), hasWritten: true });
  const plan = buildPlan({ targets: [writer(1), writer(2), buildSession(3)] });
  const items = [item('pid 1', 'ended'), item('pid 2', 'moved on'), item('pid 3', 'ended')];
  const requests = [await anEnded('fixed', { plan, result: aResult(items, 'fixed') })];
  expect(find({ requests })).toEqual({
    'data-integrity': 'Option A stopped 1 session that had written: pid 1.',
  });
  const skipped = aResult([item('pid 2', 'moved on')], 'fixed');
  expect(find({ requests: [await anEnded('fixed', { plan, result: skipped })] })).toEqual({});
});

test('a prepared transaction that was rolled back, and a process that was killed, are concerns', async () => {
  const rolledBack = aResult([item('prepared', 'rolled back')], 'fixed');
  const killed = aResult([{ ...item('backend-1', 'restarted'), killed: true }], 'fixed');
  const requests = [
    await anEnded('fixed', { option: 'prepared', result: rolledBack }),
    await anEnded('fixed', { id: 'r2', option: 'C', result: killed }),
  ];
  expect(find({ requests })['data-integrity']).toBe(
    'The rollback of a prepared transaction rolled back a prepared transaction. ' +
      'Option C killed 1 container that did not end.',
  );
});

test('what a report says of a process that ran out of memory is no concern about data', async () => {
  const said = item('backend-1', 'failed', 'It ran out of memory and was killed.');
  const requests = [await anEnded('partly', { option: 'C', result: aResult([said], 'partly') })];
  expect(find({ requests })['data-integrity']).toBeUndefined();
});

test('several services are affected when each holds much and none gets more', () => {
  const holders = [aHolder(), aHolder({ name: 'worker', service: 'worker', total: 13 })];
  const { capacity } = aDiagnosis();
  if (capacity === null) throw new Error('The diagnosis has a capacity.');
  const full = calm({ holders, capacity: { ...capacity, free: 0 } });
  expect(find({ diagnosis: full })).toEqual({
    'several-applications': '2 services cannot connect or wait: backend and worker.',
  });
  expect(find({ diagnosis: calm({ holders }) })).toEqual({});
});

test('several services are affected when their own logs say so, and those are fresh', () => {
  const refused = (service: string, lastAt: string) => ({
    service,
    container: `${service}-1`,
    linesRead: 200,
    classes: [{ class: 'pool-timeout', count: 3, lastAt, example: 'x' }],
  });
  const fresh = '2026-11-23T02:59:00.000Z';
  const logs = [refused('backend', fresh), refused('worker', fresh), refused('postgres', fresh)];
  expect(find({ diagnosis: calm({ logs }) })['several-applications']).toContain('2 services');
  const stale = [refused('backend', fresh), refused('worker', '2026-11-23T01:00:00.000Z')];
  expect(find({ diagnosis: calm({ logs: stale }) })).toEqual({});
});

test('several services are affected when their sessions wait for the same lock', () => {
  const holders = [aHolder(), aHolder({ name: 'worker', service: 'worker', total: 13 })];
  const sources = [
    aSource(),
    aSource({ application: 'worker', client: '172.18.0.5', service: 'worker' }),
  ];
  const sessions = [
    aSession({ pid: 1 }),
    aSession({ pid: 2, application: 'worker', client: '172.18.0.5' }),
  ];
  const waiters = [1, 2].map((pid) => ({
    pid,
    waitsFor: [9],
    lock: 'relation AccessShareLock',
    relation: null,
    waitSeconds: 30,
  }));
  const blocking = { ...aDiagnosis().blocking, waiters };
  const diagnosis = calm({ holders, sources, sessions, blocking });
  expect(find({ diagnosis })['several-applications']).toContain('backend and worker');
});

test('before a look only what the journal says is a reason', async () => {
  expect(find({ diagnosis: null })).toEqual({});
  const requests = [await anEnded('unchanged')];
  expect(Object.keys(find({ diagnosis: null, requests }))).toEqual(['persists-after-remedy']);
});
