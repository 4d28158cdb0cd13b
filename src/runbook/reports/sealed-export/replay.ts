import { z } from 'zod';
import {
  isGroup,
  Policy,
  readOptionPolicy,
  slackIdOf,
  votesNeeded,
} from '../../approvals/policy.ts';
import type { OptionPolicy } from '../../approvals/policy.ts';
import { ApprovalRequest } from '../../approvals/request.ts';
import type { Actor } from '../../approvals/request.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import { CauseName, ProposedOption } from '../../diagnose/diagnosis.ts';
import { hashPlan } from '../../remedies/plan.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Target } from '../../snapshot/target.ts';
import { CheckNote } from './bundle.ts';
import type { Bundle, SealedEntry } from './bundle.ts';

/** What today's dbconn would say and do otherwise. `sealed` is what the bundle has, `today` what follows now: figures, configured names and Slack ids only. */
export interface Difference {
  readonly what:
    | 'state'
    | 'cause'
    /** Of the same cause, by more than a tenth. */
    | 'confidence'
    /** The option that is proposed first, and what for. */
    | 'proposal'
    | 'finding-appeared'
    | 'finding-gone'
    /** The plan is not the one its votes were for. */
    | 'plan-hash'
    | 'proposer'
    | 'votes-needed'
    /** A vote that would not count today. */
    | 'vote'
    /** A vote that would come too late today, or a proposal that would not have expired. */
    | 'expiry'
    | 'break-glass'
    /** It cannot be judged by this dbconn. */
    | 'unreadable';
  readonly sealed: string | number | null;
  readonly today: string | number | null;
}

interface ReplayedPart {
  readonly at: string;
  readonly differences: readonly Difference[];
}

export interface ReplayedCheck extends ReplayedPart {
  /** The journal's entry that kept it. */
  readonly entry: number;
  /** Why it was kept: `first`, `cause`, `before:` and `after:` with a request's id, `end`. */
  readonly why: string;
  /** Its lists were cut when it was kept: that it leads to something else proves nothing, and is not counted. */
  readonly truncated: boolean;
}

export interface ReplayedRequest extends ReplayedPart {
  readonly id: string;
}

/** What a bundle comes to under today's rules. */
export interface Replay {
  readonly incident: string;
  readonly target: string;
  /** The dbconn that sealed it. */
  readonly sealedBy: string;
  readonly sealedAt: string;
  readonly head: string;
  /** `today` for the configuration's rules, `sealed` where there is none and the bundle's own were taken. */
  readonly policy: 'today' | 'sealed';
  readonly examinations: readonly ReplayedCheck[];
  readonly requests: readonly ReplayedRequest[];
  /** Why the journal it was sealed from was not as it was written; null for a whole one. */
  readonly journalProblem: string | null;
  readonly leftOut: { readonly examinations: number; readonly entries: number };
  /** How many checks and requests count; where none does, nothing is proved. */
  readonly judged: number;
  /** Something counts, and nothing of it differs. */
  readonly same: boolean;
}

/** As much of a diagnosis as is compared, of whatever version wrote it. */
export const Judged = z.object({
  state: z.string(),
  causes: z.array(z.object({ cause: CauseName, confidence: z.number() })),
  proposals: z.array(z.object({ option: ProposedOption, subject: z.string().nullable() })),
  findings: z.array(z.object({ id: z.string() })),
});
export type Judged = z.infer<typeof Judged>;

/** A smaller change of confidence is a change of weights, and changes nothing that anybody does. */
const mostConfidenceApart = 0.1;

function compareDiagnoses(sealed: Judged, today: Judged): Difference[] {
  const [sealedCause, todayCause] = [sealed.causes[0], today.causes[0]];
  const apart = Math.abs((sealedCause?.confidence ?? 0) - (todayCause?.confidence ?? 0));
  const isSame = sealedCause?.cause === todayCause?.cause;
  return [
    ...differ('state', sealed.state, today.state),
    ...differ('cause', sealedCause?.cause ?? null, todayCause?.cause ?? null),
    ...(isSame &&
    sealedCause !== undefined &&
    todayCause !== undefined &&
    apart > mostConfidenceApart
      ? differ('confidence', sealedCause.confidence, todayCause.confidence)
      : []),
    ...differ('proposal', toProposal(sealed), toProposal(today)),
    ...missing(today, sealed).map(
      (id) => ({ what: 'finding-appeared', sealed: null, today: id }) as const,
    ),
    ...missing(sealed, today).map(
      (id) => ({ what: 'finding-gone', sealed: id, today: null }) as const,
    ),
  ];
}

/** Nothing where both are the same. */
function differ(
  what: Difference['what'],
  sealed: Difference['sealed'],
  today: Difference['today'],
): Difference[] {
  return sealed === today ? [] : [{ what, sealed, today }];
}

function toProposal({ proposals: [first] }: Judged): string | null {
  if (first === undefined) return null;
  return first.subject === null ? first.option : `${first.option} ${first.subject}`;
}

/** The findings of the one that the other does not have. */
function missing(one: Judged, other: Judged): string[] {
  const known = new Set(other.findings.map(({ id }) => id));
  return [...new Set(one.findings.map(({ id }) => id))].filter((id) => !known.has(id));
}

/**
 * What the rules of a policy would decide otherwise about a request. Who is in a user group is known only to Slack, so
 * where an option names one, everybody is given the benefit of the doubt.
 */
async function judgeRequest(request: ApprovalRequest, policy: Policy): Promise<Difference[]> {
  const { ask, hash, plan, proposedBy, option } = request;
  const rules = readOptionPolicy(policy, option);
  const { proposers } = rules;
  const mayPropose = proposers.length === 0 || isAmong(proposers, proposedBy);
  return [
    ...differ('plan-hash', hash, await hashPlan(plan)),
    ...(policy.readOnly || !mayPropose ? differ('proposer', proposedBy.id, null) : []),
    ...differ('votes-needed', request.votesNeeded, votesNeeded(policy, ask, proposedBy)),
    ...request.votes
      .filter(({ by }) => !countsToday(policy, rules, { by, proposedBy }))
      .map(({ by }): Difference => ({ what: 'vote', sealed: by.id, today: null })),
    ...compareExpiry(request, rules.expiresAfterMs ?? policy.expiresAfterMs),
    ...compareBreakGlass(request, policy),
  ];
}

function countsToday(
  policy: Policy,
  { approvers, proposerMayVote }: OptionPolicy,
  { by, proposedBy }: { readonly by: Actor; readonly proposedBy: Actor },
): boolean {
  const isProposer = slackIdOf(policy, proposedBy) === by.id;
  return isAmong(approvers, by) && (proposerMayVote || !isProposer);
}

/** The terminal proposes for people who have the machine already. */
function isAmong(named: readonly string[], { id, via }: Actor): boolean {
  return via !== 'slack' || named.includes(id) || named.some(isGroup);
}

function compareExpiry(request: ApprovalRequest, expiresAfterMs: number): Difference[] {
  const { proposedAt, expiresAt, state, votes } = request;
  const sealedMs = Date.parse(expiresAt) - Date.parse(proposedAt);
  const isLate = votes.some(({ at }) => Date.parse(at) - Date.parse(proposedAt) >= expiresAfterMs);
  const wouldLive = state === 'expired' && expiresAfterMs > sealedMs;
  return isLate || wouldLive
    ? differ('expiry', toSeconds(sealedMs), toSeconds(expiresAfterMs))
    : [];
}

function toSeconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

function compareBreakGlass({ brokenGlass, option }: ApprovalRequest, policy: Policy): Difference[] {
  if (brokenGlass === null) return [];
  const { by } = brokenGlass;
  const { users, terminal, actions } = policy.breakGlass;
  const named = by.via === 'slack' ? users : terminal;
  const may = actions.includes(option) && named.includes(by.id);
  return may ? [] : differ('break-glass', by.id, null);
}

/** Only its outline is checked: whatever in it this dbconn cannot judge makes `diagnose` throw, and that is told. */
const anObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

const RecentCheck = z.object({
  at: z.string(),
  used: z.number(),
  usable: z.number(),
  deadlocks: z.number().exactOptional(),
  newIn60s: z.number().exactOptional(),
  active: z.number().exactOptional(),
  querySeconds: z.number().nullable().exactOptional(),
});

const Kept = z.object({
  why: z.string().default('unknown'),
  truncated: z.boolean().default(false),
  examination: z.object({
    snapshot: z.custom<Snapshot>(anObject),
    target: z.custom<Target>(anObject),
    recent: z.array(RecentCheck),
    diagnosis: Judged,
  }),
});

const unreadable: Difference = { what: 'unreadable', sealed: null, today: null };

/**
 * Runs today's diagnosis on all evidence of a bundle and today's policy on its requests, and says what would differ.
 * Without a policy of today the bundle's own is taken. Changes nothing and asks nobody.
 */
export async function replayBundle(bundle: Bundle, today?: Policy): Promise<Replay> {
  const [incident] = bundle.incidents;
  const policy = today ?? Policy.safeParse(bundle.policy).data;
  const examinations = bundle.entries.flatMap(replayCheck);
  const requests: ReplayedRequest[] = [];
  for (const request of bundle.requests) requests.push(await replayRequest(request, policy));
  const counted = [...examinations.filter(({ truncated }) => !truncated), ...requests];
  return {
    incident: incident.id,
    target: incident.target,
    sealedBy: bundle.dbconn,
    sealedAt: bundle.sealedAt,
    head: bundle.sha256,
    policy: today === undefined ? 'sealed' : 'today',
    examinations,
    requests,
    journalProblem: bundle.verification.problem ?? null,
    leftOut: bundle.leftOut,
    judged: counted.length,
    same: counted.length > 0 && counted.every(({ differences }) => differences.length === 0),
  };
}

/** Nothing for an entry that kept no check. */
function replayCheck({ seq: entry, at, body }: SealedEntry): ReplayedCheck[] {
  const note = CheckNote.safeParse(body);
  if (!note.success) return [];
  const kept = Kept.safeParse(note.data.facts);
  if (!kept.success) {
    return [{ entry, at, why: 'unknown', truncated: false, differences: [unreadable] }];
  }
  const { why, truncated, examination } = kept.data;
  return [{ entry, at, why, truncated, differences: judge(examination) }];
}

function judge({ diagnosis, ...input }: z.infer<typeof Kept>['examination']): Difference[] {
  try {
    return compareDiagnoses(diagnosis, diagnose(input));
  } catch {
    // Not of this program's making, or of one so different that today's rules have nothing to hold on to.
    return [unreadable];
  }
}

async function replayRequest(
  sealed: Bundle['requests'][number],
  policy: Policy | undefined,
): Promise<ReplayedRequest> {
  const request = ApprovalRequest.safeParse(sealed);
  if (!request.success || policy === undefined) {
    const { id, proposedAt } = sealed;
    return { at: toText(proposedAt), id: toText(id), differences: [unreadable] };
  }
  const { id, proposedAt } = request.data;
  return { at: proposedAt, id, differences: await judgeRequest(request.data, policy) };
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : 'unknown';
}
