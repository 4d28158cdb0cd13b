import { createWakeableSleep, hasPassed, uptimeOf, within } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import { followMerged } from '../incidents/find-and-merge.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import type { Incident } from '../incidents/incident.ts';
import { IncidentAdvancer } from './advance-incident.ts';
import type { IncidentLoopDeps } from './advance-incident.ts';
import { Watch } from './check-targets.ts';

interface Lists {
  readonly open: readonly Incident[];
  readonly merged: readonly Incident[];
  /** The latest ones that are over, as they were a few seconds ago. */
  readonly past: readonly Incident[];
}

/** Each target has one open incident at most. */
const mostOpen = 1000;
/** More have nothing left to be done. */
const mostPast = 200;
/** Little happens to what is over, and reading two hundred of them each second would be work for nothing. */
const pastEveryMs = 10_000;

/** The incidents that a round is about. */
class IncidentLists {
  readonly #log: Pick<IncidentLog, 'listIncidents'>;
  readonly #clock: Pick<Clock, 'now' | 'uptime'>;
  #before: Lists = { open: [], merged: [], past: [] };
  #readAtMs = Number.NEGATIVE_INFINITY;

  constructor({ log, clock }: Pick<IncidentLoopDeps, 'log' | 'clock'>) {
    this.#log = log;
    this.#clock = clock;
  }

  async read(): Promise<Lists> {
    const open = await this.#log.listIncidents({ states: ['open'], limit: mostOpen });
    const merged = await this.#log.listIncidents({ states: ['merged'], limit: mostOpen });
    const still = new Set([...open, ...merged].map(({ id }) => id));
    const { open: wasOpen, merged: wasMerged } = this.#before;
    const hasEnded = [...wasOpen, ...wasMerged].some(({ id }) => !still.has(id));
    let { past } = this.#before;
    if (hasEnded || uptimeOf(this.#clock) - this.#readAtMs >= pastEveryMs) {
      this.#readAtMs = uptimeOf(this.#clock);
      past = await this.#log.listIncidents({ states: ['resolved'], limit: mostPast });
    }
    // One that was taken up again is no longer over, whatever was read before.
    this.#before = { open, merged, past: past.filter(({ id }) => !still.has(id)) };
    return this.#before;
  }

  /** Somebody changed something, perhaps about an incident that is over: those are read again too. */
  refresh(): void {
    this.#readAtMs = Number.NEGATIVE_INFINITY;
  }
}

/** Whether this process is the one that leads: it alone checks, writes to Slack and calls people. */
class LeaderLease {
  readonly #deps: Pick<IncidentLoopDeps, 'log' | 'holder' | 'clock'>;
  /** When it was taken or prolonged last. */
  #taken: { readonly upMs: number; readonly atMs: number } | undefined;

  constructor(deps: Pick<IncidentLoopDeps, 'log' | 'holder' | 'clock'>) {
    this.#deps = deps;
  }

  isHeld(): boolean {
    const { clock, holder } = this.#deps;
    return this.#taken !== undefined && uptimeOf(clock) - this.#taken.upMs < holder.forMs;
  }

  /**
   * Takes it, or prolongs it once a third of its time is over: each is a durable write, and a quiet night is not to be
   * full of them. Says whether no other process can have had it meanwhile. Throws JournalUnavailable: that is no loss
   * until its time has run out, and is tried again at each round.
   */
  async keep(): Promise<boolean> {
    return this.#isFresh() || this.renew();
  }

  async renew(): Promise<boolean> {
    const { log, holder, clock } = this.#deps;
    const before = this.#taken;
    // From before the asking: the journal counts from a later moment, never from an earlier one.
    const now = { upMs: uptimeOf(clock), atMs: clock.now() };
    this.#taken = (await log.takeLead(holder)) ? now : undefined;
    return before !== undefined && now.upMs - before.upMs < holder.forMs;
  }

  #isFresh(): boolean {
    const { clock, holder } = this.#deps;
    if (this.#taken === undefined) return false;
    const { upMs, atMs } = this.#taken;
    const thirdMs = holder.forMs / 3;
    // A machine that was suspended did not count on, and the server of a shared journal did.
    return uptimeOf(clock) - upMs < thirdMs && !hasPassed(clock, atMs, thirdMs);
  }

  /** Ends it for this process, without telling the others. */
  drop(): void {
    this.#taken = undefined;
  }
}

const defaultEveryMs = 1000;
/** However often it is woken, it goes round ten times a second and no more. */
const leastPauseMs = 100;
const stopWithinMs = 5000;
/** A frozen server holds its turn for 4.5 s: some hundred of them leave turns for the others. */
const mostChecks = 100;

/** Runs incidents from their first check to their last tick, in one process of those that share a journal. */
export class IncidentLoop {
  readonly #deps: IncidentLoopDeps;
  readonly #rounds: Rounds;
  readonly #pause: ReturnType<typeof createWakeableSleep>;
  readonly #stopping = new AbortController();
  #ended: Promise<void> | undefined;

  constructor(deps: IncidentLoopDeps) {
    this.#deps = deps;
    this.#pause = createWakeableSleep(deps.clock);
    this.#rounds = new Rounds(deps, () => this.#pause.ring());
  }

  start(): void {
    this.#ended ??= this.#run();
  }

  async #run(): Promise<void> {
    const { onFault, onRound, everyMs = defaultEveryMs } = this.#deps;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let isGood = true;
      await this.#rounds.round().catch((error: unknown) => {
        onFault('the round', error);
        isGood = false;
      });
      onRound?.(isGood);
      if (!signal.aborted) await this.#pause.wait(everyMs, leastPauseMs);
    }
  }

  /** Ends the checks, waits for what is being said, and lets another process take over. */
  async stop(withinMs = stopWithinMs): Promise<void> {
    const { board, clock } = this.#deps;
    const wasLeading = this.#rounds.isLeading();
    this.#stopping.abort();
    this.#pause.ring();
    await this.#ended;
    const ending = (): Promise<void> => within(this.#rounds.end(), withinMs, clock);
    if (wasLeading) {
      await this.#rounds.withLead(async () => {
        await ending();
        await board.idle(withinMs);
      });
    } else await ending();
    await this.#rounds.handOver();
  }

  /** Something changed: the next round comes at once. */
  wake(): void {
    this.#rounds.refresh();
    this.#pause.ring();
  }

  /** Whether no other process can lead at this moment: this one may still say what it began, also while it stops. */
  isLeading(): boolean {
    return this.#rounds.holdsLead();
  }
}

/** What the leader does each second, and what those do that do not lead. */
class Rounds {
  readonly #deps: IncidentLoopDeps;
  readonly #wake: () => void;
  /** The latest diagnosis of each target that has an incident; hundreds of healthy ones would fill the memory. */
  readonly #latest = new Map<string, Diagnosis>();
  readonly #lists: IncidentLists;
  readonly #lease: LeaderLease;
  readonly #watch: Watch;
  readonly #advancer: IncidentAdvancer;
  /** Targets with an incident: checked even where dbconn does not watch, for one without checks could never end. */
  #withIncident: ReadonlySet<string> = new Set();
  #isEnding = false;

  constructor(deps: IncidentLoopDeps, wake: () => void) {
    const { monitor, rules, onFault } = deps;
    this.#deps = deps;
    this.#wake = wake;
    this.#lists = new IncidentLists(deps);
    this.#lease = new LeaderLease(deps);
    this.#watch = new Watch({
      ...deps,
      targets: monitor.targets.map(({ name }) => name),
      runCheck: (target) => monitor.runCheck(target, 'sparing'),
      everyMs: rules.checkEveryMs,
      mostAtOnce: mostChecks,
      mayCheck: (target) => rules.watch || this.#withIncident.has(target),
      onChecked: (targetCheck) => this.#observe(targetCheck),
      onFault: (target, error) => onFault(`the check of ${target}`, error),
    });
    this.#advancer = new IncidentAdvancer({
      ...deps,
      latest: this.#latest,
      watch: this.#watch,
      isLeading: () => this.isLeading(),
    });
  }

  isLeading(): boolean {
    return !this.#isEnding && this.holdsLead();
  }

  holdsLead(): boolean {
    return this.#lease.isHeld();
  }

  /** Two that speak at once say everything twice: until the last words are out nobody else takes over. */
  async withLead(work: () => Promise<void>): Promise<void> {
    const { clock, holder, onFault } = this.#deps;
    const finished = new AbortController();
    const keepLead = async (): Promise<void> => {
      while (!finished.signal.aborted) {
        await this.#lease.renew();
        await clock.sleep(holder.forMs / 3, finished.signal);
      }
    };
    const kept = keepLead().catch((error: unknown) => {
      if (!finished.signal.aborted) onFault('saving incidents on shutdown', error);
    });
    await work();
    finished.abort();
    await kept;
  }

  async round(): Promise<void> {
    const { clock, meter } = this.#deps;
    let isUnbroken = false;
    try {
      await clock.agree();
      if (!(await this.#isLeadNeeded())) return await this.#rest();
      isUnbroken = await this.#lease.keep();
    } catch (error) {
      if (!this.isLeading()) await this.#lose();
      throw error;
    }
    if (!this.isLeading()) return this.#lose();
    // Another process may have led and spoken since this one did.
    if (!isUnbroken) await this.#fallSilent();
    this.#watch.start();
    const { open, merged, past } = await this.#lists.read();
    this.#withIncident = new Set([...open, ...merged].map(({ target }) => target));
    for (const target of this.#latest.keys()) {
      if (!this.#withIncident.has(target)) this.#latest.delete(target);
    }
    meter.incidents(open.length, true);
    await followMerged(this.#deps, merged);
    this.#advancer.advance([...open, ...merged, ...past]);
  }

  refresh(): void {
    this.#lists.refresh();
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    await Promise.all([this.#watch.stop(), this.#advancer.idle()]);
  }

  /** Another process may lead from now on. */
  async handOver(): Promise<void> {
    const { log, holder, onFault } = this.#deps;
    this.#lease.drop();
    await log
      .endLead(holder)
      .catch((error: unknown) => onFault('handing over the incidents', error));
  }

  /** Where nothing is watched and no incident needs anything nobody has to lead, and so nothing is written. */
  async #isLeadNeeded(): Promise<boolean> {
    if (this.#deps.rules.watch) return true;
    const { open, merged, past } = await this.#lists.read();
    return [...open, ...merged, ...past].some((incident) => this.#advancer.isNeededFor(incident));
  }

  async #rest(): Promise<void> {
    this.#deps.meter.incidents(0, true);
    // The lease runs out by itself: until then what was begun can still be said.
    if (!this.isLeading()) await this.#fallSilent();
  }

  async #lose(): Promise<void> {
    this.#deps.meter.incidents(0, false);
    this.#advancer.forget();
    this.#lease.drop();
    await this.#fallSilent();
  }

  async #fallSilent(): Promise<void> {
    this.#deps.board.doubt();
    // What was seen before the gap says nothing of the time after it.
    this.#latest.clear();
    await this.#watch.stop();
  }

  async #observe(targetCheck: TargetCheck): Promise<void> {
    if (!this.isLeading()) return;
    const { incidents, onFault } = this.#deps;
    const { name } = targetCheck.target;
    const observed = await incidents.observe(targetCheck);
    if (!observed.ok) onFault(`the check of ${name}`, new Error(observed.refusal.next));
    const hasIncident = observed.ok && observed.value !== null;
    if (hasIncident || this.#withIncident.has(name)) this.#latest.set(name, targetCheck.diagnosis);
    if (hasIncident) this.#wake();
  }
}
