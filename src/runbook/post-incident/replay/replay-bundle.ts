import { z } from 'zod';
import type { Policy } from '../../approvals/policy.ts';
import { ApprovalRequest } from '../../approval/request.ts';
import { diagnose } from '../../diagnose/diagnose.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Target } from '../../snapshot/target.ts';
import type { Bundle, BundleLine } from '../bundle/bundle.ts';
import { Judged, compareDiagnoses } from './compare-diagnoses.ts';
import { judgeRequest } from './judge-request.ts';
import type { Difference, Replay, ReplayedCheck, ReplayedRequest } from './replay.ts';
import { SealedPolicy } from './sealed-policy.ts';

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
  at: z.string(),
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
  const { header, lines, head } = bundle;
  const policy = today ?? SealedPolicy.safeParse(header.policy).data;
  const examinations = lines.filter(({ kind }) => kind === 'examination').map(replayCheck);
  const requests: ReplayedRequest[] = [];
  for (const line of lines) {
    if (line.kind === 'request') requests.push(await replayRequest(line, policy));
  }
  const counted = [...examinations.filter(({ truncated }) => !truncated), ...requests];
  return {
    incident: header.incident.id,
    target: header.incident.target,
    sealedBy: header.dbconn,
    sealedAt: header.sealedAt,
    head,
    policy: today === undefined ? 'sealed' : 'today',
    examinations,
    requests,
    journalProblem: header.journal.problem,
    leftOut: header.leftOut,
    judged: counted.length,
    same: counted.length > 0 && counted.every(({ differences }) => differences.length === 0),
  };
}

function replayCheck({ line, body }: BundleLine): ReplayedCheck {
  const kept = Kept.safeParse(body);
  if (!kept.success) {
    const at = toText(body['at']);
    return { line, at, why: 'unknown', truncated: false, differences: [unreadable] };
  }
  const { at, why, truncated, examination } = kept.data;
  return { line, at, why, truncated, differences: judge(examination) };
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
  { line, body }: BundleLine,
  policy: Policy | undefined,
): Promise<ReplayedRequest> {
  const request = ApprovalRequest.safeParse(body);
  if (!request.success || policy === undefined) {
    const { id, proposedAt } = body;
    return { line, at: toText(proposedAt), id: toText(id), differences: [unreadable] };
  }
  const { id, proposedAt } = request.data;
  return { line, at: proposedAt, id, differences: await judgeRequest(request.data, policy) };
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : 'unknown';
}
