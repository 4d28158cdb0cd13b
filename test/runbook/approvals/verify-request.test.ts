import { allMembers } from '../../support/people.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { withLease } from '../../../src/runbook/approvals/lease.ts';
import { defaultPolicy } from '../../../src/runbook/approvals/policy.ts';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { ExecutionContext } from '../../../src/runbook/approvals/context.ts';
import { verifyRequest } from '../../../src/runbook/approvals/verify/verify-request.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import type { JournalFolder } from '../../journal/temporary-journal.ts';
import { aReading, aSession, aSnapshot, aSource } from '../diagnose/builders.ts';
import { buildPlan, buildRequest } from './builders.ts';
import { HandClock, ScriptedRemedy, startedAtMs } from './world.ts';

/** The looks after a change, on a clock that moves when it is slept on. */
let folder: JournalFolder;
let clock: HandClock;
beforeEach(() => {
  folder = makeJournalFolder();
  clock = new HandClock();
});
afterEach(() => folder.close());

const holder = { id: 'this process', forMs: 600_000 };
const at = (used: number): { used: number; usable: number } => ({ used, usable: 97 });

/** Option B has just ended: a full server with 97 usable slots has 147 now. */
function raisedNow(): Promise<ApprovalRequest> {
  return buildRequest({
    state: 'verifying',
    option: 'B',
    plan: buildPlan({ option: 'B', ask: { kind: 'raise-max-connections', to: 150 } }),
    execution: {
      startedAt: new Date(startedAtMs).toISOString(),
      left: 1,
      skipped: [],
      before: at(95),
      after: { used: 3, usable: 147 },
    },
    result: {
      report: { items: [], summary: 'Raised.', finished: true },
      outcome: null,
      endedAt: new Date(startedAtMs).toISOString(),
    },
  });
}

/** Has just ended: 95 slots were used before, 35 are right after; `backend` held 60 of them, and holds none. */
function endedNow(wasSeen: boolean): Promise<ApprovalRequest> {
  return buildRequest({
    state: 'verifying',
    execution: {
      startedAt: new Date(startedAtMs).toISOString(),
      left: 2,
      skipped: [],
      before: at(95),
      after: wasSeen ? at(35) : null,
      holdings: {
        before: [{ application: 'backend', sessions: 60 }],
        after: wasSeen ? [{ application: 'orders', sessions: 35 }] : [],
      },
    },
    result: {
      report: { items: [], summary: '60 ended.', finished: true },
      outcome: null,
      endedAt: new Date(startedAtMs).toISOString(),
    },
  });
}

/** How many sessions `backend` has so many seconds after the change; the look fails where it gives none. */
async function verify(
  backend: (seconds: number) => number | undefined,
  { verifyAfterMs = 60_000, wasSeen = true } = {},
): Promise<{ ended: ApprovalRequest; looksAt: unknown[] }> {
  return verifyRun(await endedNow(wasSeen), (seconds) => lookAt(backend(seconds)), verifyAfterMs);
}

async function verifyRun(
  request: ApprovalRequest,
  look: (seconds: number) => ReturnType<typeof aSnapshot>,
  verifyAfterMs = 60_000,
): Promise<{ ended: ApprovalRequest; looksAt: unknown[] }> {
  const journal = await folder.open({ clock });
  await journal.create(request, { request: request.id, kind: 'proposed', body: {} });
  await journal.acquire(request.id, holder);
  const context: ExecutionContext = {
    ...withLease(journal, holder, clock),
    remedy: new ScriptedRemedy(),
    takeSnapshot: () => Promise.resolve(look((clock.now() - startedAtMs) / 1000)),
    clock,
    people: allMembers,
    warningUtilisation: 0.8,
    policy: defaultPolicy,
    verifyAfterMs,
    onChange: () => undefined,
    onFault: () => undefined,
    signal: new AbortController().signal,
  };
  const ended = await verifyRequest(request, context);
  const looks = (await journal.entries()).filter(({ kind }) => kind === 'looked');
  return { ended, looksAt: looks.map(({ body }): unknown => JSON.parse(body)) };
}

function lookAt(sessions: number | undefined): ReturnType<typeof aSnapshot> {
  if (sessions === undefined) return aSnapshot({ reading: null });
  const sources = [
    aSource({ application: 'orders', total: 35 }),
    aSource({ application: 'backend', total: sessions }),
  ];
  return aSnapshot({ reading: aReading({ counts: { clients: 35 + sessions }, sources }) });
}

test('a pool that takes its slots again at once is found out, with its name and its pace', async () => {
  const { ended } = await verify((seconds) => (seconds >= 10 ? 60 : 0));
  expect(ended).toMatchObject({
    state: 'done',
    result: {
      outcome: {
        word: 'refilled',
        later: { used: 95 },
        refill: { application: 'backend', before: 60, after: 0, later: 60, perMinute: 360 },
      },
    },
  });
});

test('it looks several times, the last time at the end, and each look is recorded', async () => {
  const { ended, looksAt } = await verify(() => 0);
  const expected = [10, 20, 30, 40, 50, 60].map((seconds) => ({
    afterMs: seconds * 1000,
    fullness: at(35),
  }));
  expect(looksAt).toEqual(expected);
  expect(ended.result?.outcome).toMatchObject({ word: 'fixed' });
});

test('an outcome is what the last look saw, whatever an earlier one promised', async () => {
  const { ended } = await verify((seconds) => (seconds < 60 ? 0 : undefined));
  expect(ended.result?.outcome).toMatchObject({ word: 'unknown', later: null });
});

test('a last look that saw nothing is made again, twice at most', async () => {
  const { ended, looksAt } = await verify((seconds) => (seconds === 60 ? undefined : 0));
  expect(looksAt.slice(-2)).toMatchObject([
    { afterMs: 60_000, fullness: null },
    { afterMs: 70_000, fullness: at(35) },
  ]);
  expect(ended.result?.outcome).toMatchObject({ word: 'fixed', later: at(35) });
  expect(ended.result?.outcome?.sentence).toContain('35 after 70 s');
  folder.close();
  folder = makeJournalFolder();
  clock = new HandClock();
  const unseen = await verify((seconds) => (seconds < 60 ? 0 : undefined));
  expect(unseen.looksAt).toHaveLength(8);
});

test('where the look right after it saw nothing, the first that did stands in for it', async () => {
  const { ended } = await verify((seconds) => (seconds < 20 ? undefined : 0), { wasSeen: false });
  expect(ended.result?.outcome).toMatchObject({
    word: 'fixed',
    sentence: '95 of 97 used before, 35 after 20 s, 35 after 60 s.',
  });
  folder.close();
  folder = makeJournalFolder();
  clock = new HandClock();
  const refilled = await verify((seconds) => (seconds < 10 ? undefined : seconds < 40 ? 0 : 60), {
    wasSeen: false,
  });
  expect(refilled.ended.result?.outcome).toMatchObject({
    word: 'refilled',
    refill: { application: 'backend' },
  });
});

test('taken over late it makes up for no look that is past, and still takes the last one', async () => {
  clock.nowMs += 45_000;
  expect((await verify(() => 0)).looksAt).toMatchObject([{ afterMs: 50_000 }, { afterMs: 60_000 }]);
});

test('taken over when the time is up it looks once', async () => {
  clock.nowMs += 300_000;
  const { ended, looksAt } = await verify(() => 0);
  expect(looksAt).toMatchObject([{ afterMs: 300_000 }]);
  expect(ended.result?.outcome).toMatchObject({ word: 'fixed' });
});

test('a time too short for several looks has one', async () => {
  expect((await verify(() => 0, { verifyAfterMs: 500 })).looksAt).toMatchObject([{ afterMs: 500 }]);
});

describe('option B', () => {
  const capacity = { ...aReading().capacity, maxConnections: 150 };
  const lookWith =
    (state: 'idle' | 'active', clients = 3) =>
    (): ReturnType<typeof aSnapshot> =>
      aSnapshot({
        reading: aReading({
          capacity,
          counts: { clients },
          sources: [aSource({ application: 'backend', total: clients })],
          sessions: [aSession({ state }), aSession({ state: 'active', own: true })],
        }),
      });

  test('is over at the first check that sees its slots free and nobody at work', async () => {
    const { ended, looksAt } = await verifyRun(await raisedNow(), lookWith('idle'));
    expect(looksAt).toMatchObject([{ afterMs: 10_000, fullness: { used: 3, usable: 147 } }]);
    expect(ended.result?.outcome).toMatchObject({ word: 'fixed', later: { used: 3 } });
  });

  test.for([
    ['somebody is at work who may take the slots', () => lookWith('active'), 6],
    ['idle sessions fill them', () => lookWith('idle', 140), 6],
    ['the old value is still in force', () => () => lookAt(0), 6],
    ['no check gets in', () => () => lookAt(undefined), 8],
  ] as const)('is watched for the whole time while %s', async ([, look, checks]) => {
    expect((await verifyRun(await raisedNow(), look())).looksAt).toHaveLength(checks);
  });

  test('that did not end well is watched for the whole time', async () => {
    const raised = await raisedNow();
    const result =
      raised.result === null
        ? null
        : {
            ...raised.result,
            report: { ...raised.result.report, finished: false },
          };
    expect((await verifyRun({ ...raised, result }, lookWith('idle'))).looksAt).toHaveLength(6);
  });
});
