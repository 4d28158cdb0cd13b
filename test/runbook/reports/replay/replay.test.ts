import { readFile, readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defaultPolicy } from '../../../../src/runbook/approvals/policy.ts';
import type { Policy } from '../../../../src/runbook/approvals/policy.ts';
import type { ApprovalRequest } from '../../../../src/runbook/approvals/request.ts';
import { openBundle, sealBundle } from '../../../../src/runbook/reports/sealed-export/bundle.ts';
import type { SealedEntry } from '../../../../src/runbook/reports/sealed-export/bundle.ts';
import { Judged, replayBundle } from '../../../../src/runbook/reports/sealed-export/replay.ts';
import type { Difference, Replay } from '../../../../src/runbook/reports/sealed-export/replay.ts';
import { ann, bob, buildRequest, cem } from '../../approvals/builders.ts';
import { buildExamined, buildSealing } from '../bundle/builders.ts';
import { optionPolicy } from '../../../support/option-policy.ts';
import { runDrill } from './run-drill.ts';

const folder = new URL('../../../fixtures/bundles/', import.meta.url);
const fixtures = (await readdir(folder)).filter((name) => name.endsWith('.json'));

async function replayText(bytes: Uint8Array, policy?: Policy): Promise<Replay> {
  const opened = await openBundle(bytes);
  if (!opened.ok) throw new Error(opened.problem);
  return replayBundle(opened.bundle, policy);
}

async function replay(
  change: Parameters<typeof buildSealing>[0] = {},
  policy?: Policy,
): Promise<Replay> {
  const { text } = await sealBundle(await buildSealing(change));
  return replayText(new TextEncoder().encode(text), policy);
}

function differences({ examinations, requests }: Replay): Difference[] {
  return [...examinations, ...requests].flatMap((part) => part.differences);
}

test('there are bundles of real drills to replay', () => {
  expect(fixtures.toSorted()).toEqual(['connection-leak.json', 'lock-contention.json']);
});

test.for(fixtures)(
  'what a drill left leads to the same diagnoses and decisions today: %s',
  async (name) => {
    const replayed = await replayText(await readFile(new URL(name, folder)));
    expect(differences(replayed)).toEqual([]);
    expect(replayed).toMatchObject({ same: true, policy: 'sealed', target: 'shop' });
    const reasons = replayed.examinations.map(({ why }) => why.replace(/:.*/, ''));
    expect(reasons).toEqual(['first', 'before', 'after', 'end']);
    expect(replayed.requests).toHaveLength(1);
  },
);

test('an incident that was lived through just now replays as it was', async () => {
  const { text, head } = await runDrill({ trouble: 'lock-contention', seed: 8 });
  const replayed = await replayText(new TextEncoder().encode(text));
  expect(differences(replayed)).toEqual([]);
  expect(replayed).toMatchObject({ same: true, head });
});

type Said = z.infer<typeof Judged>;

const Body = z.looseObject({
  facts: z.looseObject({ examination: z.looseObject({ diagnosis: Judged.loose() }) }),
});
type Facts = z.infer<typeof Body>['facts'];

/** The first check with what it kept changed. */
function keptAs(change: (facts: Facts) => object): SealedEntry[] {
  const entry = buildExamined(1, 95, 'first');
  const body = Body.parse(entry.body);
  return [{ ...entry, body: { ...body, facts: { ...body.facts, ...change(body.facts) } } }];
}

/** The same as if its dbconn had said something else. */
function misjudged(change: (said: Said) => Partial<Said>, facts: object = {}): SealedEntry[] {
  return keptAs(({ examination }) => {
    const diagnosis = { ...examination.diagnosis, ...change(examination.diagnosis) };
    return { ...facts, examination: { ...examination, diagnosis } };
  });
}

test.for<[string, (said: Said) => Partial<Said>, string[]]>([
  ['another state', () => ({ state: 'fine' }), ['state']],
  ['another cause', () => ({ causes: [{ cause: 'slow-queries', confidence: 0.9 }] }), ['cause']],
  [
    'another first proposal',
    () => ({ proposals: [{ option: 'B', subject: 'backend' }] }),
    ['proposal'],
  ],
  ['a finding less', ({ findings }) => ({ findings: findings.slice(1) }), ['finding-appeared']],
  [
    'a finding more',
    ({ findings }) => ({ findings: [...findings, { id: 'ghost' }] }),
    ['finding-gone'],
  ],
])('%s in the bundle than today is told', async ([, change, whats]) => {
  const replayed = await replay({ entries: misjudged(change) });
  expect(differences(replayed).map(({ what }) => what)).toEqual(whats);
  expect(replayed.same).toBe(false);
});

test('what was kept in part is told, and counts as no difference', async () => {
  const entries = misjudged(() => ({ state: 'fine' }), { truncated: true });
  const replayed = await replay({ entries });
  expect(replayed.examinations[0]).toMatchObject({
    entry: 1,
    truncated: true,
    differences: [{ what: 'state' }],
  });
  expect(replayed.same).toBe(true);
});

test('where everything was kept in part and nothing was proposed, nothing is said to be the same', async () => {
  const entries = misjudged(() => ({}), { truncated: true });
  const replayed = await replay({ entries, requests: [] });
  expect(differences(replayed)).toEqual([]);
  expect(replayed).toMatchObject({ judged: 0, same: false });
});

test('evidence that this dbconn cannot judge is told, and stops nothing', async () => {
  const hollow = { snapshot: {}, target: {}, recent: [], diagnosis: {} };
  const unreadable = [{ what: 'unreadable', sealed: null, today: null }];
  const entries = keptAs(() => ({ examination: hollow }));
  expect(differences(await replay({ entries }))).toEqual(unreadable);
  const broken = keptAs(({ examination }) => ({
    examination: { ...examination, snapshot: { database: null } },
  }));
  expect(differences(await replay({ entries: broken }))).toEqual(unreadable);
});

test('a bundle of a journal that was changed says so', async () => {
  const verification = { ok: false, seq: 3, problem: 'Its hash is wrong.' };
  expect(await replay({ verification })).toMatchObject({ journalProblem: 'Its hash is wrong.' });
});

const asConfigured = { ...optionPolicy, approvers: [bob.id] };
const minuteMs = 60_000;

function policyOf(change: object, rest: Partial<Policy> = {}): Policy {
  return { ...defaultPolicy, options: { A: { ...asConfigured, ...change } }, ...rest };
}

test.for<[string, Policy, Partial<ApprovalRequest>, Difference[]]>([
  ['the same rules', policyOf({}), {}, []],
  ['more votes', policyOf({ votes: 2 }), {}, [{ what: 'votes-needed', sealed: 1, today: 2 }]],
  [
    'another approver',
    policyOf({ approvers: [cem.id] }),
    {},
    [{ what: 'vote', sealed: 'UBOB', today: null }],
  ],
  ['a group of approvers, whom only Slack knows', policyOf({ approvers: ['S0DBA'] }), {}, []],
  [
    'a proposer who voted',
    policyOf({ approvers: [ann.id, bob.id] }),
    { proposedBy: bob },
    [{ what: 'vote', sealed: 'UBOB', today: null }],
  ],
  [
    'proposers named',
    policyOf({ proposers: [bob.id] }),
    {},
    [{ what: 'proposer', sealed: 'UANN', today: null }],
  ],
  [
    'an installation that only looks',
    policyOf({}, { readOnly: true }),
    {},
    [{ what: 'proposer', sealed: 'UANN', today: null }],
  ],
  [
    'less time for votes',
    policyOf({}, { expiresAfterMs: minuteMs }),
    {},
    [{ what: 'expiry', sealed: '900 s', today: '60 s' }],
  ],
  ['less time, but enough', policyOf({}, { expiresAfterMs: 2 * minuteMs }), {}, []],
  [
    'more time for what expired',
    policyOf({}, { expiresAfterMs: 60 * minuteMs }),
    { state: 'expired', votes: [] },
    [{ what: 'expiry', sealed: '900 s', today: '3600 s' }],
  ],
  [
    'no exception any more',
    policyOf({}),
    { brokenGlass: { by: bob, at: '2026-11-23T03:01:00.000Z', reason: 'alone' } },
    [{ what: 'break-glass', sealed: 'UBOB', today: null }],
  ],
])('today’s rules on a request: %s', async ([, policy, change, expected]) => {
  const votes = [{ by: bob, at: '2026-11-23T03:01:00.000Z', reason: 'go' }];
  const requests = [await buildRequest({ state: 'done', votes, ...change })];
  const replayed = await replay({ requests }, policy);
  expect(replayed.requests.map((part) => part.differences)).toEqual([expected]);
  expect(replayed).toMatchObject({ policy: 'today', same: expected.length === 0 });
});

test('a plan that is not the one its votes were for is told', async () => {
  const request = await buildRequest({ state: 'done' });
  const plan = { ...request.plan, title: 'End everything' };
  const replayed = await replay({ requests: [{ ...request, plan }] });
  expect(replayed.requests[0]?.differences).toMatchObject([{ what: 'plan-hash' }]);
});
