import type { TargetCheck } from '../diagnose/evidence.ts';
import { within } from '../approval/within.ts';
import { createWakeableSleep } from './alarm.ts';
import { createIncidentAdvancer } from './attend-incident.ts';
import type { IncidentLoopDeps } from './attendance-parts.ts';
import { createLatest } from './latest.ts';
import { createLists } from './incident-lists.ts';
import { followMerged } from './merge.ts';
import { createLeaderLease } from './tenure.ts';
import { createWatch } from './watch.ts';

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
