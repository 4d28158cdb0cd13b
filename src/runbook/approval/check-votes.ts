import { mayBreakGlass, mayVote } from '../approvals/permissions.ts';
import type { Rules } from '../approvals/permissions.ts';
import type { ApprovalRequest } from './request.ts';

/**
 * Whether the votes of a request still count, right before it runs: each voter is looked up once more, and judged as if
 * they voted now. Undefined if so, else a sentence without names.
 */
export async function checkVotes(
  rules: Rules,
  request: ApprovalRequest,
): Promise<string | undefined> {
  const { brokenGlass, votes, votesNeeded } = request;
  if (brokenGlass !== null) {
    const may = await mayBreakGlass(rules, request, brokenGlass.by);
    return may.ok ? undefined : `The exception no longer counts: ${because(may.refusal.kind)}.`;
  }
  const judged = await Promise.all(
    votes.map(({ by }, index) => mayVote(rules, { ...request, votes: votes.slice(0, index) }, by)),
  );
  const counting = judged.filter(({ ok }) => ok).length;
  if (counting >= votesNeeded) return undefined;
  const index = judged.findIndex(({ ok }) => !ok);
  const first = judged[index];
  if (first === undefined || first.ok)
    return `It has ${counting} of the ${votesNeeded} votes it needs.`;
  const which = votes.length === 1 ? 'The vote' : `Vote ${index + 1} of ${votes.length}`;
  return `${which} no longer counts: ${because(first.refusal.kind)}. Nothing was done.`;
}

/** By the kind of refusal that the same person would meet now. */
const reasons: Readonly<Record<string, string>> = {
  'not-an-approver': 'that person is not an approver any more',
  'not-a-member': 'that person is not a full member of the workspace any more',
  'not-looked-up': 'that person could not be looked up in Slack',
  'own-proposal': 'that person proposed it',
  'voted-already': 'that person voted twice',
  'no-vote-here': 'it was not given in Slack',
};

function because(kind: string): string {
  return reasons[kind] ?? 'it is refused now';
}
