import type { Actor, ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { Known, Reasons } from './known.ts';
import type { Machine } from '../machine.ts';
import { ModelPeople, glassUsers, isSameHuman, isUnknown, slackIdsOf } from './model-people.ts';

/** What one night's policy says of the one option there is. */
export interface GatePolicy {
  readonly votes: number;
  readonly cooldownMs: number;
  readonly proposerMayVote: boolean;
  /** Where dbconn has no role that may end sessions, as the night begins. */
  readonly powerless: readonly string[];
}

export const expiresAfterMs = 15 * 60_000;

const ran: readonly string[] = ['verifying', 'done'];
/** From here on something may be changed by the next step. */
const mayChange: readonly string[] = ['approved', 'executing', 'handed'];
const busy: readonly string[] = ['approved', 'executing'];
const ends: readonly string[] = ['denied', 'withdrawn', 'expired', 'stale', 'failed', 'done'];

/** The rules of README, SECURITY.md and docs, once more and as short as they can be written: what the gate is held against. */
export class GateRules {
  readonly requests = new Map<string, Known>();
  readonly people = new ModelPeople();
  readonly tampered = new Set<string>();
  readonly powerless: Set<string>;
  /** Who is just saying, of which request, that they ran it. */
  saying: { readonly id: string; readonly actor: Actor } | null = null;
  /** What was broken; empty as long as the gate holds. */
  readonly broken: string[] = [];
  /** How often each state was reached: a model that reaches little holds little. */
  readonly reached = new Map<string, number>();
  readonly #lastRuns = new Map<string, { readonly atMs: number; readonly jumps: number }>();
  readonly #policy: GatePolicy;
  readonly #machine: Machine;
  stopped = false;
  stopSwitch = false;
  jumps = 0;
  /** An entry is gone from the journal. */
  hasGap = false;
  /** Whoever verifies the whole chain misses it. */
  hasHole = false;

  constructor(policy: GatePolicy, machine: Machine) {
    this.#policy = policy;
    this.powerless = new Set(policy.powerless);
    this.#machine = machine;
  }

  /** Which request a command's number means; undefined while there is none. */
  pick(number: number): Known | undefined {
    const all = [...this.requests.values()];
    return all[all.length - 1 - (number % Math.max(1, all.length))];
  }

  /** A vote counts by whom it is from, whatever workspace or entrance is named with it. */
  whyNoVote(known: Known, actor: Actor, judge: object): Reasons {
    const reasons = this.#whyNotNow(known, judge);
    const { must } = reasons;
    if (actor.via !== 'slack') must.add('no-vote-here');
    this.#addPeople(reasons, actor, this.people.approvers());
    if (!this.#policy.proposerMayVote && isSameHuman(known.proposer, actor))
      must.add('own-proposal');
    if (known.votes.has(actor.id)) must.add('voted-already');
    return reasons;
  }

  whyNoGlass(known: Known, actor: Actor, judge: object): Reasons {
    const reasons = this.#whyNotNow(known, judge);
    const isNamed = (actor.via === 'slack' ? glassUsers.users : glassUsers.terminal).includes(
      actor.id,
    );
    if (!isNamed) reasons.must.add('no-break-glass');
    else if (actor.via === 'slack') this.#addPeople(reasons, actor, new Set(glassUsers.users));
    return reasons;
  }

  whyNoDenial(known: Known, actor: Actor, judge: object): Reasons {
    const reasons = this.#whyClosed(known, judge);
    if (actor.via !== 'terminal') this.#addPeople(reasons, actor, this.people.approvers());
    return reasons;
  }

  whyNoWithdrawal(known: Known, actor: Actor, judge: object): Reasons {
    const reasons = this.#whyClosed(known, judge);
    if (!isSameHuman(known.proposer, actor)) reasons.must.add('not-the-proposer');
    return reasons;
  }

  /** Commands show for what was approved for a person, until that person's time is over, and never while all is stopped. */
  whyNoCommands(known: Known, judge: object): Reasons {
    const { byHand, state } = known;
    const reasons = this.#whyClosed(known, judge, 'handed');
    const { must } = reasons;
    if (!byHand) must.add('not-by-hand');
    else if (state === 'proposed') must.add('not-approved');
    if (this.tampered.has(known.target)) must.add('tampered');
    if (this.isStopped()) must.add('stopped');
    return reasons;
  }

  whyNotRan(known: Known, actor: Actor, judge: object): Reasons {
    const reasons = this.whyNoCommands(known, judge);
    const { proposer, glass } = known;
    const others = [proposer, ...(glass === null ? [] : [glass])].flatMap(slackIdsOf);
    const among = new Set([...this.people.approvers(), ...others]);
    if (actor.via === 'slack') this.#addPeople(reasons, actor, among);
    else {
      const isNamed = slackIdsOf(actor).some((id) => among.has(id));
      const isGlass = glass?.via === actor.via && glass.id === actor.id;
      if (!isNamed && !isGlass) reasons.must.add('not-an-approver');
    }
    return reasons;
  }

  whyNoGo(actor: Actor): Reasons {
    const reasons: Reasons = { must: new Set(), may: new Set() };
    if (this.stopSwitch) reasons.must.add('stopped');
    if (actor.via !== 'slack') reasons.must.add('not-an-approver');
    else this.#addPeople(reasons, actor, this.people.approvers());
    return reasons;
  }

  /** Whether dbconn was still bound to say no to any change here. */
  isStopped(): boolean {
    return this.stopped || this.stopSwitch;
  }

  /** Every change of a request, as dbconn tells it the moment it is recorded. */
  observe(request: ApprovalRequest, judge: object): void {
    const known = this.requests.get(request.id);
    if (request.state !== known?.state) this.#count(request.state);
    if (known === undefined) {
      this.#learn(request, judge);
      return;
    }
    const { state } = request;
    if (state !== known.state && ends.includes(known.state))
      this.#break(known, `went from ${known.state} to ${state}`);
    if (state === 'executing' && known.state !== 'executing') this.#begins(known);
    if (state === 'handed' && known.state !== 'handed') this.#shows(known, judge);
    if (state === 'verifying' && known.state === 'handed') this.#wasRun(known, request);
    if (state === 'expired' && this.#isExpired(known, judge) === 'no') {
      this.#break(known, 'expired before its time');
    }
    if (ran.includes(state) && mayChange.includes(known.state)) {
      this.#lastRuns.set(known.target, { atMs: this.#machine.elapsedMs, jumps: this.jumps });
    }
    known.state = state;
  }

  /** A process looked whether anything is overdue. */
  swept(judge: object): void {
    for (const { jumpsAtSince, knownBy } of this.requests.values()) {
      if (jumpsAtSince === this.jumps) knownBy.add(judge);
    }
  }

  /** All that is looked at before a change was looked at: from here on it is done. */
  passes(plan: string): void {
    const known = this.#ofPlan(plan);
    if (known === undefined) return;
    const votes = this.people.countLive(new Set([...known.votes, ...known.asked]));
    if (known.glass === null && votes < known.needed) {
      this.#break(known, `runs with ${votes} of ${known.needed} votes that count now`);
    }
  }

  /** Sessions are ended, for this plan. */
  deed(plan: string): void {
    const known = this.#ofPlan(plan);
    if (known === undefined) this.broken.push(`Something ran that was never proposed: ${plan}.`);
    else if (known.state !== 'executing') this.#break(known, `changed something as ${known.state}`);
  }

  #learn(
    { id, target, plan, votesNeeded, votes, proposedBy }: ApprovalRequest,
    judge: object,
  ): void {
    const isMore = isUnknown(proposedBy) && !this.#policy.proposerMayVote;
    const needed = this.#policy.votes + (isMore ? 1 : 0);
    const known: Known = {
      id,
      target,
      plan: plan.subject ?? '',
      proposer: proposedBy,
      needed,
      byHand: plan.byHand !== undefined,
      sinceMs: this.#machine.elapsedMs,
      knownBy: new Set([judge]),
      jumpsAtSince: this.jumps,
      votes: new Set(),
      asked: [],
      glass: null,
      state: 'proposed',
    };
    this.requests.set(id, known);
    if (votesNeeded !== needed) this.#break(known, `asks for ${votesNeeded} votes, not ${needed}`);
    if (votes.length > 0) this.#break(known, 'was born with votes');
  }

  #ofPlan(plan: string): Known | undefined {
    return [...this.requests.values()].find((one) => one.plan === plan);
  }

  #begins(known: Known): void {
    this.#goesOn(known, 'runs');
    if (known.byHand) this.#break(known, 'runs, and is for a person');
    for (const { id, target, state } of this.requests.values()) {
      const isOther = id !== known.id && target === known.target;
      if (isOther && state === 'executing') this.#break(known, 'runs beside another one');
    }
  }

  /** It is in a person's hands now, and holds up nothing else. */
  #shows(known: Known, judge: object): void {
    this.#goesOn(known, 'is shown');
    if (!known.byHand) this.#break(known, 'is shown, and is not for a person');
    known.sinceMs = this.#machine.elapsedMs;
    known.jumpsAtSince = this.jumps;
    known.knownBy = new Set([judge]);
  }

  #wasRun(known: Known, { handOff }: ApprovalRequest): void {
    const by = handOff?.ranBy?.by;
    const isSaid = this.saying?.id === known.id && this.saying.actor.id === by?.id;
    if (!isSaid) this.#break(known, `was run by ${by?.id ?? 'nobody'}, who did not say so`);
  }

  #goesOn(known: Known, how: string): void {
    if (known.state !== 'approved') this.#break(known, `${how} from ${known.state}`);
    if (this.isStopped()) this.#break(known, `${how} although all changes are stopped`);
    if (this.tampered.has(known.target)) this.#break(known, `${how} on a target tampered with`);
    if (this.#isCooling(known.target) === 'yes') this.#break(known, `${how} within the cooldown`);
  }

  #whyClosed(known: Known, judge: object, open: ApprovalRequest['state'] = 'proposed'): Reasons {
    const reasons: Reasons = { must: new Set(), may: new Set() };
    if (known.state !== open) reasons.must.add(known.state);
    const expired = known.state === open ? this.#isExpired(known, judge) : 'no';
    if (expired === 'yes') reasons.must.add('expired');
    if (expired === 'maybe') reasons.may.add('expired');
    if (this.hasGap || this.tampered.has(known.target)) reasons.may.add('tampered');
    return reasons;
  }

  #whyNotNow(known: Known, judge: object): Reasons {
    const reasons = this.#whyClosed(known, judge);
    const { must, may } = reasons;
    if (this.tampered.has(known.target)) must.add('tampered');
    if (this.isStopped()) must.add('stopped');
    const others = [...this.requests.values()].filter(({ target }) => target === known.target);
    if (others.some(({ state }) => busy.includes(state))) must.add('busy');
    const cooling = this.#isCooling(known.target);
    if (cooling === 'yes') must.add('cooling-down');
    if (cooling === 'maybe') may.add('cooling-down');
    return reasons;
  }

  #addPeople({ must }: Reasons, { id, via }: Actor, among: ReadonlySet<string>): void {
    if (via !== 'slack') return;
    for (const why of this.people.whyNotAmong(id, among)) must.add(why);
  }

  #isExpired(known: Known, judge: object): 'yes' | 'no' | 'maybe' {
    const isOver = this.#machine.elapsedMs - known.sinceMs >= expiresAfterMs;
    if (this.jumps === known.jumpsAtSince) return isOver ? 'yes' : 'no';
    // No clock that somebody sets gives it more time where its age was known before.
    return isOver && known.knownBy.has(judge) ? 'yes' : 'maybe';
  }

  #isCooling(target: string): 'yes' | 'no' | 'maybe' {
    const last = this.#lastRuns.get(target);
    if (last === undefined || this.#policy.cooldownMs === 0) return 'no';
    if (last.jumps !== this.jumps) return 'maybe';
    return this.#machine.elapsedMs - last.atMs < this.#policy.cooldownMs ? 'yes' : 'no';
  }

  #count(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  #break({ id }: Known, what: string): void {
    this.broken.push(`Request ${id} ${what}.`);
  }
}
