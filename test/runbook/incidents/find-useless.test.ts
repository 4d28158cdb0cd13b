import { describe, expect, test } from 'vitest';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Diagnosis } from '../../../src/runbook/diagnose/diagnosis.ts';
import { findIneffective } from '../../../src/runbook/incidents/ineffective-remedies.ts';
import type { OutcomeWord } from '../../../src/runbook/approvals/verify/outcome.ts';
import { aTarget } from '../diagnose/builders.ts';
import { buildPlan, buildRequest } from '../approvals/builders.ts';
import { leakInTransaction } from '../diagnose/scenes.ts';
import { used } from './incident-setup.ts';

const target = aTarget();
const nowMs = Date.parse('2026-11-23T03:20:00.000Z');
const leak = diagnose(leakInTransaction());

async function ran(
  word: OutcomeWord,
  minutesAgo: number,
  change: Partial<ApprovalRequest['plan']> = {},
): Promise<ApprovalRequest> {
  const endedAt = new Date(nowMs - minutesAgo * 60_000).toISOString();
  const report = { items: [], summary: 'ended.', finished: true };
  const refill = { application: 'backend', before: 80, after: 20, later: 80, perMinute: 3 };
  const outcome = { word, sentence: '', before: null, after: null, later: null };
  const isRefill = word === 'refilled';
  return buildRequest({
    state: 'done',
    plan: buildPlan({ subject: 'backend', ...change }),
    result: { report, outcome: isRefill ? { ...outcome, refill } : outcome, endedAt },
  });
}

function withProposals(proposals: Diagnosis['proposals']): Diagnosis {
  return { ...leak, proposals };
}

const proposal = (
  option: 'A' | 'B' | 'C' | 'E',
  subject: string | null,
): Diagnosis['proposals'][number] => ({
  option,
  subject,
  summary: '',
  slotsFreed: null,
  blocked: null,
});

describe('remedies that will not help', () => {
  const eThenC = withProposals([
    proposal('A', 'backend'),
    proposal('E', 'backend'),
    proposal('C', 'backend'),
  ]);

  test('one tried twice in 20 minutes is withdrawn with the reason and the way out', async () => {
    const requests = [await ran('refilled', 18), await ran('refilled', 5)];
    expect(findIneffective({ requests, diagnosis: eThenC, target, nowMs })).toEqual([
      {
        option: 'A',
        subject: 'backend',
        sentence:
          'Ending sessions of backend did not help 2 times in 20 minutes: it opens 3 connections a minute. Instead, resize or restart it.',
      },
    ]);
  });

  test('a restart that filled up again is offered once the pool holds connections that are gone', async () => {
    const requests = [{ ...(await ran('refilled', 5)), option: 'C' } as const];
    const offered = (slotsFreed: number): Diagnosis =>
      withProposals([{ ...proposal('C', 'backend'), slotsFreed }]);
    const found = (diagnosis: Diagnosis) =>
      findIneffective({ requests, diagnosis, target, nowMs }).map(({ option }) => option);
    expect(found(offered(33))).toEqual(['C']);
    expect(found(offered(0))).toEqual([]);
  });

  test('one that helped for a while is counted too', async () => {
    const requests = [await ran('fixed', 18), await ran('refilled', 5)];
    const [ineffective] = findIneffective({ requests, diagnosis: eThenC, target, nowMs });
    expect(ineffective?.sentence).toMatch(
      /^Ending sessions of backend did not help 2 times in 20 minutes/,
    );
  });

  test.each([
    ['unchanged', 'nothing changed'],
    ['worse', 'it made things worse'],
  ] as const)('one that ended %s says so', async (word, reason) => {
    const [ineffective] = findIneffective({
      requests: [await ran(word, 1)],
      diagnosis: eThenC,
      target,
      nowMs,
    });
    expect(ineffective?.sentence).toContain(`Ending sessions of backend did not help: ${reason}`);
  });

  test.each(['fixed', 'partly', 'unknown'] as const)(
    'one that ended %s is not withdrawn',
    async (word) => {
      const requests = [await ran('refilled', 10), await ran(word, 1)];
      expect(findIneffective({ requests, diagnosis: eThenC, target, nowMs })).toEqual([]);
    },
  );

  test('what did not help long ago may help now', async () => {
    const requests = [await ran('refilled', 21)];
    expect(findIneffective({ requests, diagnosis: eThenC, target, nowMs })).toEqual([]);
  });

  test('nothing is useless once a look is calm, or before there is one', async () => {
    const requests = [await ran('refilled', 1)];
    const calm = diagnose({ snapshot: used(20), target, recent: [] });
    expect(findIneffective({ requests, diagnosis: calm, target, nowMs })).toEqual([]);
    expect(findIneffective({ requests, diagnosis: null, target, nowMs })).toEqual([]);
  });

  test('what does not help one service may help another', async () => {
    const requests = [await ran('refilled', 2), await ran('fixed', 1, { subject: 'worker' })];
    const found = findIneffective({ requests, diagnosis: eThenC, target, nowMs });
    expect(found.map(({ subject }) => subject)).toEqual(['backend']);
  });

  test('a name that no configuration has is not part of the sentence', async () => {
    const evil = '<!channel> free money';
    const requests = [await ran('refilled', 2, { subject: evil })];
    const diagnosis = withProposals([proposal('E', evil), proposal('B', null)]);
    const [ineffective] = findIneffective({ requests, diagnosis, target, nowMs });
    expect(ineffective?.subject).toBe(evil);
    expect(ineffective?.sentence).toBe(
      'Ending sessions did not help: backend opens 3 connections a minute. Instead, resize the pool of the application, or raise max_connections.',
    );
  });

  test('when nothing else is left it says to escalate', async () => {
    const requests = [await ran('refilled', 2), await ran('unchanged', 1, { option: 'C' })];
    const diagnosis = withProposals([proposal('A', 'backend'), proposal('C', 'backend')]);
    const withC = requests.map((one, index) =>
      index === 1 ? { ...one, option: 'C' as const } : one,
    );
    const sentences = findIneffective({ requests: withC, diagnosis, target, nowMs }).map(
      (one) => one.sentence,
    );
    expect(sentences).toEqual([
      expect.stringContaining('Instead, escalate, because no other remedy is left.'),
      expect.stringContaining('Restarting backend did not help'),
    ]);
  });

  test.each([
    [1, ':'],
    [2, ' 2 times in 20 minutes:'],
    [113, ' 113 times in 20 minutes:'],
  ])('%i in vain are counted', async (times, words) => {
    const requests = await Promise.all(Array.from({ length: times }, () => ran('refilled', 1)));
    const [ineffective] = findIneffective({ requests, diagnosis: eThenC, target, nowMs });
    expect(ineffective?.sentence).toContain(`Ending sessions of backend did not help${words}`);
  });
});
