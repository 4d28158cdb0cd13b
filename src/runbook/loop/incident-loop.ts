import { createWakeableSleep, uptimeOf, within } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Holder } from '../approvals/journal.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import { followMerged } from '../incidents/find-and-merge.ts';
import type { IncidentLog } from '../incidents/incident-log.ts';
import type { Incident } from '../incidents/incident.ts';
import { createIncidentAdvancer } from './advance-incident.ts';
import type { IncidentLoopDeps } from './advance-incident.ts';
import { createLatest, createWatch } from './check-targets.ts';

interface Lists {
  readonly open: readonly Incident[];
  readonly merged: readonly Incident[];
  /** The latest ones that are over, as they were a few seconds ago. */
  readonly past: readonly Incident[];
}

/** Each target has one open incident at most. */
const mostOpen = 1000;
/** More do not owe anything any more. */
const mostPast = 200;
/** Little happens to what is over, and reading two hundred of them each second would be work for nothing. */
const pastEveryMs = 10_000;

/** The incidents that a round is about. */
function createLists(
  log: Pick<IncidentLog, 'listIncidents'>,
  clock: Pick<Clock, 'now' | 'uptime'>,
): { read(): Promise<Lists>; refresh(): void } {
  let before: Lists = { open: [], merged: [], past: [] };
  let readAtMs = -Infinity;
  return {
    async read() {
      const open = await log.listIncidents({ states: ['open'], limit: mostOpen });
      const merged = await log.listIncidents({ states: ['merged'], limit: mostOpen });
      const still = new Set([...open, ...merged].map(({ id }) => id));
      const hasEnded = [...before.open, ...before.merged].some(({ id }) => !still.has(id));
      const isOld = uptimeOf(clock) - readAtMs >= pastEveryMs;
      let { past } = before;
      if (hasEnded || isOld) {
        readAtMs = uptimeOf(clock);
        past = await log.listIncidents({ states: ['resolved'], limit: mostPast });
      }
      // One that was taken up again is no longer over, whatever was read before.
      before = { open, merged, past: past.filter(({ id }) => !still.has(id)) };
      return before;
    },
    refresh() {
      readAtMs = -Infinity;
    },
  };
}

/** Whether this process is the one that tends the incidents. */
interface LeaderLease {
  isHeld(): boolean;
  /** Takes or prolongs it. Throws JournalUnavailable: that is no loss until its time has run out. */
  ask(): Promise<void>;
  /** Ends it for this process, without telling the others. */
  drop(): void;
}

function createLeaderLease(
  log: Pick<IncidentLog, 'takeLead'>,
  holder: Holder,
  clock: Pick<Clock, 'now' | 'uptime'>,
): LeaderLease {
  let untilMs = Number.NEGATIVE_INFINITY;
  return {
    isHeld: () => untilMs > uptimeOf(clock),
    async ask() {
      // From before the asking: the journal counts from a later moment, never from an earlier one.
      const askedAtMs = uptimeOf(clock);
      const isOurs = await log.takeLead(holder);
      untilMs = isOurs ? askedAtMs + holder.forMs : Number.NEGATIVE_INFINITY;
    },
    drop() {
      untilMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/** Who runs incidents from their first look to their last tick, in one process of those that share a journal. */
export interface IncidentLoop {
  start(): void;
  /** Ends the looks, waits for what is being said, and lets another process take over. */
  stop(withinMs?: number): Promise<void>;
  /** Something changed: the next round comes at once. */
  wake(): void;
  /** Whether this process tends the incidents at this moment. */
  isLeading(): boolean;
}

const defaultEveryMs = 1000;
/** A storm of nudges is a round ten times a second, no more. */
const leastPauseMs = 100;
const stopWithinMs = 5000;
/** A frozen server holds its turn for 4.5 s: some hundred of them leave turns for the others. */
const mostChecks = 100;

export function createIncidentLoop(parts: IncidentLoopDeps): IncidentLoop {
  const { log, board, clock, holder, everyMs = defaultEveryMs, onFault } = parts;
  const roundPause = createWakeableSleep(clock);
  const rounds = createRounds(parts, () => roundPause.ring());
  let ended: Promise<void> | undefined;
  const stopping = new AbortController();
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const isGood = await rounds.round().then(
        () => true,
        (error: unknown) => {
          onFault('the round', error);
          return false;
        },
      );
      parts.onRound?.(isGood);
      if (stopping.signal.aborted) break;
      await roundPause.wait(everyMs, leastPauseMs);
    }
  };
  return {
    start() {
      ended ??= run();
    },
    async stop(withinMs = stopWithinMs) {
      const wasLeading = rounds.isLeading();
      stopping.abort();
      roundPause.ring();
      await ended;
      if (wasLeading) {
        await withLead(parts, async () => {
          await within(rounds.end(), withinMs, clock);
          await board.idle(withinMs);
        });
      } else await within(rounds.end(), withinMs, clock);
      await log
        .endLead(holder)
        .catch((error: unknown) => onFault('handing the incidents over', error));
    },
    wake() {
      rounds.refresh();
      roundPause.ring();
    },
    isLeading: () => rounds.isLeading(),
  };
}

/** Two that speak at once say everything twice: until the last words are out nobody else takes over. */
async function withLead(
  { log, clock, holder, onFault }: IncidentLoopDeps,
  work: () => Promise<void>,
): Promise<void> {
  const finished = new AbortController();
  const keepLead = async (): Promise<void> => {
    while (!finished.signal.aborted) {
      await log.takeLead(holder);
      await clock.sleep(holder.forMs / 3, finished.signal);
    }
  };
  const kept = keepLead().catch((error: unknown) => {
    if (!finished.signal.aborted) onFault('keeping the incidents until the end', error);
  });
  await work();
  finished.abort();
  await kept;
}

interface Rounds {
  round(): Promise<void>;
  /** Somebody changed something, perhaps about an incident that is over: the next round reads those too. */
  refresh(): void;
  end(): Promise<void>;
  isLeading(): boolean;
}

function createRounds(parts: IncidentLoopDeps, wake: () => void): Rounds {
  const { incidents, log, runbook, rules, clock, meter, holder, onFault } = parts;
  const latest = createLatest();
  const lists = createLists(log, clock);
  /** Targets with an incident: looked at even where dbconn does not watch, for one without looks could never end. */
  let withIncident: ReadonlySet<string> = new Set();
  const leaderLease = createLeaderLease(log, holder, clock);
  const isLeading = (): boolean => leaderLease.isHeld();
  const take = async (targetCheck: TargetCheck): Promise<void> => {
    if (!isLeading()) return;
    const { name } = targetCheck.target;
    const observe = await incidents.observe(targetCheck);
    if (!observe.ok) onFault(`the look at ${name}`, new Error(observe.refusal.next));
    const hasIncident = observe.ok && observe.value !== null;
    if (hasIncident || withIncident.has(name)) latest.keep(targetCheck.diagnosis);
    if (hasIncident) wake();
  };
  const watch = createWatch({
    ...parts,
    targets: runbook.targets.map(({ name }) => name),
    runCheck: (target) => runbook.runCheck(target, 'sparing'),
    everyMs: rules.checkEveryMs,
    mostAtOnce: mostChecks,
    mayCheck: (target) => rules.watch || withIncident.has(target),
    onChecked: (targetCheck) => take(targetCheck),
    onFault: (target, error) => onFault(`the look at ${target}`, error),
  });
  const advancer = createIncidentAdvancer({ ...parts, latest, watch, isLeading });
  const lose = async (): Promise<void> => {
    leaderLease.drop();
    meter.incidents(0, false);
    advancer.forget();
    parts.board.doubt();
    // What was seen before the gap says nothing of the time after it.
    latest.forgetAllBut(new Set());
    await watch.stop();
  };
  return {
    isLeading,
    async round() {
      await clock.agree();
      try {
        await leaderLease.ask();
      } finally {
        if (!isLeading()) await lose();
      }
      if (!isLeading()) return;
      watch.start();
      const { open, merged, past } = await lists.read();
      withIncident = new Set([...open, ...merged].map(({ target }) => target));
      latest.forgetAllBut(withIncident);
      meter.incidents(open.length, true);
      await followMerged({ ...parts }, merged);
      advancer.advance([...open, ...merged, ...past]);
    },
    refresh: () => lists.refresh(),
    async end() {
      leaderLease.drop();
      await Promise.all([watch.stop(), advancer.idle()]);
    },
  };
}
