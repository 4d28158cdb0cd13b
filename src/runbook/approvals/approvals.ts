import type { Check } from '../diagnose/doctor.ts';
import type { Commands } from '../remedies/by-hand/hand-off.ts';
import type { Plan } from '../remedies/plan.ts';
import type { Action, RemedyRequest } from '../remedies/remedy-request.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import type { Contacts } from '../snapshot/target.ts';
import { ranByHand, showCommands } from './by-hand.ts';
import type { ApprovalDeps } from './context.ts';
import { go, readStop, stop } from './emergency-stop.ts';
import type { Stop } from './journal.ts';
import { growSteadily, leaseApproved } from './lease.ts';
import { checkOptions, checkPeople, offersOf } from './offers.ts';
import { readCooling } from './may-run-now.ts';
import { mayVote } from './permissions.ts';
import { readOptionPolicy, underItsRules } from './policy.ts';
import type { OptionPolicy } from './policy.ts';
import { preview, propose } from './propose.ts';
import type { ProposeInput } from './propose.ts';
import { recorded, refuseUnknown } from './refusals.ts';
import { openStates } from './request.ts';
import type { Actor, ApprovalRequest } from './request.ts';
import { createRunner } from './runner.ts';
import { breakGlass, close, sweep, vote } from './vote.ts';

/** Proposes what would take a change back, with votes of its own. */
async function undo(
  ports: ApprovalDeps,
  id: string,
  actor: Actor,
): Promise<Answer<ApprovalRequest>> {
  const request = await ports.journal.read(id);
  if (request === undefined) return refuseUnknown();
  const { plan, result, target } = request;
  if (result === null) {
    const next = 'Check with /dbconn status.';
    return refuse('not-done', 'It has changed nothing yet, so there is nothing to undo.', next);
  }
  const { undoAsk: ask } = plan;
  if (ask === null) {
    return refuse(
      'no-undo',
      `It cannot be undone with a request. ${plan.undo}`,
      'Check with /dbconn status.',
    );
  }
  return propose(ports, { target, ask, actor, supersedes: id, undoes: id });
}

/**
 * The one way to change. Slash command, button, modal, terminal and timer all come through here; nothing
 * else calls a remedy's `run`. Every answer is the request as it now stands, or a refusal with its reason.
 * What cannot be recorded does not happen: that is a refusal too.
 */
export interface Approvals {
  /** The options that can be proposed for a target and approved by somebody. */
  offers(target: string): readonly Action[];
  /** For doctor: which options can run for a target and what the others lack, by what was found; then the rest of that. */
  check(target: string, found: readonly Check[]): readonly Check[];
  /** For doctor: whether those who are named, and these contacts, can be looked up, and count. Asks Slack. */
  checkPeople(contacts?: Contacts): Promise<readonly Check[]>;
  /** Who may approve a request, and how, by the rules it was made under: for what is shown, never for what is decided. */
  rulesFor(request: ApprovalRequest): Promise<OptionPolicy>;
  /** Whether this person's vote would count now: for what is shown, never for what is decided. Writes nothing. */
  mayVote(request: ApprovalRequest, actor: Actor): Promise<Answer<null>>;
  /** Until when the same change may not run again: for what is shown, never for what is decided. UTC ISO text. */
  coolingUntil(request: ApprovalRequest): Promise<Answer<string | null>>;
  /** Makes a plan and stores it. With `supersedes` it asks again for an older request. */
  propose(proposal: ProposeInput): Promise<Answer<ApprovalRequest>>;
  /** Makes the plan and stores nothing: what would be proposed. */
  preview(target: string, ask: RemedyRequest): Promise<Answer<Plan>>;
  /** One vote. With the last one needed it starts the change and answers at once; `settled` tells its end. */
  approve(id: string, actor: Actor, reason?: string): Promise<Answer<ApprovalRequest>>;
  deny(id: string, actor: Actor, reason?: string): Promise<Answer<ApprovalRequest>>;
  /** By the proposer. */
  withdraw(id: string, actor: Actor, reason?: string): Promise<Answer<ApprovalRequest>>;
  /** Proposes what would take a change back, as a request of its own. */
  undo(id: string, actor: Actor): Promise<Answer<ApprovalRequest>>;
  /** Runs it without the votes it needs, where that person and action are configured for it. As `approve`. */
  breakGlass(id: string, actor: Actor, reason: string): Promise<Answer<ApprovalRequest>>;
  /** Somebody ran the commands of a request by hand. Answers at once; `settled` tells what came of it. */
  ranByHand(id: string, actor: Actor): Promise<Answer<ApprovalRequest>>;
  /** The commands of a request that was handed over, while nothing is stopped. */
  commands(id: string): Promise<Answer<Commands>>;
  get(id: string): Promise<Answer<ApprovalRequest>>;
  /** Requests that have not come to their end, oldest first. */
  list(): Promise<Answer<readonly ApprovalRequest[]>>;
  /** Expires what is overdue, and withdraws what was proposed for an incident that is over. For a timer; a click on an overdue request finds the same by itself. */
  sweep(): Promise<Answer<readonly ApprovalRequest[]>>;
  /**
   * Begins to finish what another process left, or does no longer renew its lease on, and returns that as it was
   * found. At start and again and again, in every process that executes; `settled` tells the end.
   */
  takeOver(): Promise<Answer<readonly ApprovalRequest[]>>;
  /** Stops all changes of all targets: new ones are refused, running ones end after their present step. */
  stop(actor: Actor, reason?: string): Promise<Answer<Stop>>;
  go(actor: Actor, reason?: string): Promise<Answer<null>>;
  /** The emergency stop, or null. */
  stopped(): Promise<Answer<Stop | null>>;
  /** The request once it runs no more here; at once when it does not run in this process. */
  settled(id: string): Promise<Answer<ApprovalRequest>>;
  /**
   * Waits until no change runs here any more, and gives what is only waiting for its outcome to the process that takes over.
   * Returns the ids of changes that still run when the time is up: their leases run out after this process ended.
   */
  drain(withinMs?: number): Promise<readonly string[]>;
}

/** Far longer than a pause of this process, and short enough for the night. */
const defaultLeaseMs = 20_000;

export function createApprovals(given: ApprovalDeps): Approvals {
  const holder = { id: crypto.randomUUID(), forMs: given.leaseMs ?? defaultLeaseMs };
  const aging = growSteadily(given.journal, given.clock);
  const ports = { ...given, journal: leaseApproved(aging, holder) };
  const { journal } = ports;
  const shown = { ...ports, people: ports.recentPeople ?? ports.people };
  const runner = createRunner(ports, holder);
  const get = async (id: string): Promise<Answer<ApprovalRequest>> => {
    const request = await journal.read(id);
    return request === undefined ? refuseUnknown() : done(request);
  };
  return {
    offers: (target) => offersOf(ports, target),
    check: (target, found) => checkOptions(ports, target, found),
    checkPeople: (contacts) => checkPeople(shown, contacts),
    mayVote: async (request, actor) => mayVote(await underItsRules(shown, request), request, actor),
    rulesFor: (request) => readRules(ports, request),
    coolingUntil: (request) => recorded(() => readCoolingEnd(ports, request)),
    propose: (input) => recorded(() => propose(ports, input)),
    preview: (target, ask) => recorded(() => preview(ports, target, ask)),
    approve: (id, actor, reason) =>
      recorded(async () => {
        const voted = await vote(ports, { id, actor, reason });
        if (voted.ok && voted.value.state === 'approved') runner.start(voted.value);
        return voted;
      }),
    deny: (id, actor, reason) => recorded(() => close(ports, 'denied', { id, actor, reason })),
    withdraw: (id, actor, reason) =>
      recorded(() => close(ports, 'withdrawn', { id, actor, reason })),
    undo: (id, actor) => recorded(() => undo(ports, id, actor)),
    breakGlass: (id, actor, reason) =>
      recorded(async () => {
        const broken = await breakGlass(ports, { id, actor, reason });
        if (broken.ok) runner.start(broken.value);
        return broken;
      }),
    ranByHand: (id, actor) =>
      recorded(async () => {
        const ran = await ranByHand(ports, { id, actor, reason: undefined });
        if (ran.ok) await runner.takeRanByHand(ran.value);
        return ran;
      }),
    commands: (id) => recorded(() => showCommands(ports, id)),
    get: (id) => recorded(() => get(id)),
    list: () => recorded(async () => done(await journal.list(openStates))),
    sweep: () => recorded(async () => done(await sweep(ports))),
    takeOver: () => recorded(async () => done(await runner.takeOver())),
    stop: (actor, reason) => recorded(() => stop(ports, actor, reason)),
    go: (actor, reason) => recorded(() => go(ports, actor, reason)),
    stopped: () => recorded(async () => done((await readStop(ports)) ?? null)),
    settled: (id) =>
      recorded(async () => {
        await runner.settled(id);
        return get(id);
      }),
    drain: (withinMs) => runner.drain(withinMs),
  };
}

async function readRules(ports: ApprovalDeps, request: ApprovalRequest): Promise<OptionPolicy> {
  const { policy } = await underItsRules(ports, request);
  return readOptionPolicy(policy, request.option);
}

async function readCoolingEnd(
  ports: ApprovalDeps,
  request: ApprovalRequest,
): Promise<Answer<string | null>> {
  const cooling = await readCooling(await underItsRules(ports, request), request);
  if (cooling === undefined) return done(null);
  return done(new Date(ports.clock.now() + cooling.leftMs).toISOString());
}
