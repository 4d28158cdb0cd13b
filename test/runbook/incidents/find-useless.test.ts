import { describe, expect, test } from 'vitest';
import type { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Diagnosis } from '../../../src/runbook/diagnose/diagnosis.ts';
import { findIneffective } from '../../../src/runbook/incidents/ineffective-remedies.ts';
import type { OutcomeWord } from '../../../src/runbook/approvals/verify/outcome.ts';
import { aTarget } from '../diagnose/builders.ts';
import { buildPlan, buildRequest } from '../approvals/builders.ts';
import { leakInTransaction } from '../diagnose/scenes.ts';
import { used } from './ward.ts';

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

  test('the third kill in 20 minutes is withdrawn with the reason and the way out', async () => {
    const requests = [await ran('refilled', 18), await ran('refilled', 5)];
    expect(findIneffective({ requests, diagnosis: eThenC, target, nowMs })).toEqual([
      {
        option: 'A',
        subject: 'backend',
        sentence:
          'The third kill in 20 minutes for backend will not help: it opens 3 a minute; resize or restart it.',
      },
    ]);
  });

  test('a kill that helped for a while is counted too', async () => {
    const requests = [await ran('fixed', 18), await ran('refilled', 5)];
    const [ineffective] = findIneffective({ requests, diagnosis: eThenC, target, nowMs });
    expect(ineffective?.sentence).toMatch(/^The third kill in 20 minutes/);
  });

  test.each([
    ['unchanged', 'the last one changed nothing'],
    ['worse', 'after the last one it was worse'],
  ] as const)('one that ended %s says so', async (word, reason) => {
    const [ineffective] = findIneffective({
      requests: [await ran(word, 1)],
      diagnosis: eThenC,
      target,
      nowMs,
    });
    expect(ineffective?.sentence).toContain(
      `The second kill in 20 minutes for backend will not help: ${reason}`,
    );
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
      'The second kill in 20 minutes will not help: backend opens 3 a minute; resize the pool of the application, or raise max_connections.',
    );
  });

  test('when nothing else is left it says to call for help', async () => {
    const requests = [await ran('refilled', 2), await ran('unchanged', 1, { option: 'C' })];
    const diagnosis = withProposals([proposal('A', 'backend'), proposal('C', 'backend')]);
    const withC = requests.map((one, index) =>
      index === 1 ? { ...one, option: 'C' as const } : one,
    );
    const sentences = findIneffective({ requests: withC, diagnosis, target, nowMs }).map(
      (one) => one.sentence,
    );
    expect(sentences).toEqual([
      expect.stringContaining('so call for help.'),
      expect.stringContaining('The second restart in 20 minutes for backend will not help'),
    ]);
  });

  test.each([
    [2, 'second'],
    [10, 'tenth'],
    [11, '11th'],
    [12, '12th'],
    [21, '21st'],
    [102, '102nd'],
    [113, '113th'],
  ])('kill number %i is called the %s', async (n, word) => {
    const before = Array.from({ length: n - 1 }, () => ran('refilled', 1));
    const requests = await Promise.all(before);
    const [ineffective] = findIneffective({ requests, diagnosis: eThenC, target, nowMs });
    expect(ineffective?.sentence).toMatch(new RegExp(`^The ${word} kill in 20 minutes `));
  });
});
