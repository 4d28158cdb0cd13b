import { isoNow } from '../../timing.ts';
import { canonicalJson, hashPlan } from '../remedies/plan.ts';
import type { Plan, PlanDraft } from '../remedies/plan.ts';
import { actionOf, nameOf } from '../remedies/remedy-request.ts';
import type { Action, RemedyRequest } from '../remedies/remedy-request.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer, Refusal } from '../remedies/remedy.ts';
import { isElsewhere } from '../remedies/same-server.ts';
import { capital } from '../snapshot/words.ts';
import type { ApprovalDeps, ApprovalTarget } from './context.ts';
import { mayChange, mustBeTrue } from './may-run-now.ts';
import { mayPropose } from './permissions.ts';
import { policyVersion, readOptionPolicy, votesNeeded } from './policy.ts';
import type { Actor, ApprovalRequest } from './request.ts';

/** Refusals that say what dbconn cannot reach or may not do. All others say that the change itself would do harm. */
const means: ReadonlySet<string> = new Set([
  'unreachable',
  'privilege',
  'not-allowed',
  'command-line',
  'source',
  'in-recovery',
  'standbys',
  'containers-unread',
  'no-containers',
  'no-env-file',
]);

/**
 * Whether a person could do what dbconn refused for itself. Of A and D also where nothing was found: sessions are skipped
 * for want of the acting role's rights alone.
 */
export function lacksMeans(option: Action, { kind }: Refusal): boolean {
  const mayBeSkipped = (option === 'A' || option === 'D') && kind === 'nothing-to-do';
  return means.has(kind) || mayBeSkipped;
}

export interface ProposeInput {
  readonly target: string;
  readonly ask: RemedyRequest;
  readonly actor: Actor;
  /** An older request that this one stands in for. */
  readonly supersedes?: string;
}

/** Only `undo` says this: an undo waits for no cooldown. */
interface UndoInput extends ProposeInput {
  /** The request whose change this one takes back. */
  readonly undoes?: string;
}

/** 48 random bits: opaque, and short enough to be typed in a terminal. Knowing one gives no right. */
const idLength = 12;

export async function propose(
  ports: ApprovalDeps,
  { target, ask, actor, supersedes, undoes }: UndoInput,
): Promise<Answer<ApprovalRequest>> {
  const { journal, onChange } = ports;
  const allowed = await mayPropose(ports, ask, actor);
  if (!allowed.ok) return allowed;
  const planned = await preview(ports, target, ask);
  if (!planned.ok) return planned;
  const truth = await mustBeTrue(ports, target);
  if (!truth.ok) return truth;
  const older = supersedes === undefined ? undefined : await journal.read(supersedes);
  if (
    undoes !== undefined &&
    older !== undefined &&
    isElsewhere(older.plan, planned.value.server)
  ) {
    const why = 'It ran on another PostgreSQL server than the one this target has now.';
    return refuse('another-server', why, 'Take it back there by hand.');
  }
  const request = await toRequest(ports, planned.value, {
    actor,
    supersedes,
    undoes: undoes ?? undoneBy(older, ask),
  });
  const { id, hash, plan } = request;
  const body = {
    by: actor,
    target,
    hash,
    plan,
    supersedes: request.supersedes,
    undoes: request.undoes,
  };
  await journal.create(request, { request: id, kind: 'proposed', body });
  onChange(request);
  return done(request);
}

export async function preview(
  ports: ApprovalDeps,
  target: string,
  ask: RemedyRequest,
): Promise<Answer<Plan>> {
  const { policy, clock, approvalTargets } = ports;
  const approvalTarget = approvalTargets.find(({ name }) => name === target);
  if (approvalTarget === undefined) {
    return refuse('unknown-target', 'No target has that name.', 'See /dbconn help.');
  }
  const allowed = await mayChange(ports, target);
  if (!allowed.ok) return allowed;
  const option = actionOf(ask);
  const drafted = await draft(approvalTarget, option, ask);
  if (!drafted.ok) return drafted;
  const version = await policyVersion(policy);
  return done({ ...drafted.value, policyVersion: version, plannedAt: isoNow(clock) });
}

/** By dbconn where it can; else as a plan for a person, where nothing but the means is lacking. */
async function draft(
  { remedies, handOffs = [] }: ApprovalTarget,
  option: Action,
  ask: RemedyRequest,
): Promise<Answer<PlanDraft>> {
  const remedy = remedies.find((candidate) => candidate.option === option);
  const own = await remedy?.propose(ask);
  if (own?.ok === true) return own;
  const handOff = handOffs.find((candidate) => candidate.option === option);
  const isHarm = own !== undefined && !lacksMeans(option, own.refusal);
  const handed = isHarm ? undefined : await handOff?.propose(ask, own?.refusal);
  if (handed?.ok === true) {
    // A connection that broke once is no reason to get a person to do it.
    const again = mayPass(own) ? await remedy?.propose(ask) : undefined;
    return again?.ok === true ? again : handed;
  }
  if (own !== undefined) return own;
  const why = `${capital(nameOf(option))} is not set up for this target.`;
  return handed ?? refuse('not-offered', why, 'Check what it needs with /dbconn doctor.');
}

/** What was reached for the plan of a person may be reached for dbconn's by now. */
function mayPass(own: Answer<PlanDraft> | undefined): boolean {
  return own?.ok === false && ['unreachable', 'containers-unread'].includes(own.refusal.kind);
}

/** To ask again for an undo that never ran is to ask for an undo. */
function undoneBy(older: ApprovalRequest | undefined, ask: RemedyRequest): string | undefined {
  if (older === undefined || older.result !== null) return undefined;
  return canonicalJson(older.ask) === canonicalJson(ask) ? (older.undoes ?? undefined) : undefined;
}

interface Origin {
  readonly actor: Actor;
  readonly supersedes: string | undefined;
  readonly undoes: string | undefined;
}

async function toRequest(
  { policy, clock }: ApprovalDeps,
  plan: Plan,
  { actor, supersedes, undoes }: Origin,
): Promise<ApprovalRequest> {
  const { expiresAfterMs = policy.expiresAfterMs } = readOptionPolicy(policy, plan.option);
  return {
    id: crypto.randomUUID().replaceAll('-', '').slice(0, idLength),
    version: 1,
    state: 'proposed',
    target: plan.target,
    option: plan.option,
    ask: plan.ask,
    plan,
    hash: await hashPlan(plan),
    proposedBy: actor,
    proposedAt: isoNow(clock),
    expiresAt: new Date(clock.now() + expiresAfterMs).toISOString(),
    votesNeeded: votesNeeded(policy, plan.ask, actor),
    votes: [],
    supersedes: supersedes ?? null,
    undoes: undoes ?? null,
    brokenGlass: null,
    handOff: null,
    closing: null,
    execution: null,
    result: null,
  };
}
