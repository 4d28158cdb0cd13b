import type { Examination } from '../diagnose/evidence.ts';
import { within } from '../approval/within.ts';
import { createAlarm } from './alarm.ts';
import { createBedside } from './attend-incident.ts';
import type { AttendanceParts } from './attendance-parts.ts';
import { createLatest } from './latest.ts';
import { createLists } from './incident-lists.ts';
import { followMerged } from './merge.ts';
import { createTenure } from './tenure.ts';
import { createWatch } from './watch.ts';

/** Who runs incidents from their first look to their last tick, in one process of those that share a journal. */
export interface Attendance {
  start(): void;
  /** Ends the looks, waits for what is being said, and lets another process take over. */
  stop(withinMs?: number): Promise<void>;
  /** Something changed: the next round comes at once. */
  nudge(): void;
  /** Whether this process tends the incidents at this moment. */
  isTending(): boolean;
}

const defaultEveryMs = 1000;
/** A storm of nudges is a round ten times a second, no more. */
const leastPauseMs = 100;
const patienceMs = 5000;
/** A frozen server holds its turn for 4.5 s: some hundred of them leave turns for the others. */
const mostLooks = 100;

export function createAttendance(parts: AttendanceParts): Attendance {
  const { log, board, clock, holder, everyMs = defaultEveryMs, onFault } = parts;
  const alarm = createAlarm(clock);
  const rounds = createRounds(parts, () => alarm.ring());
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
      await alarm.wait(everyMs, leastPauseMs);
    }
  };
  return {
    start() {
      ended ??= run();
    },
    async stop(withinMs = patienceMs) {
      const wasTending = rounds.isTending();
      stopping.abort();
      alarm.ring();
      await ended;
      if (wasTending) {
        await holding(parts, async () => {
          await within(rounds.end(), withinMs, clock);
          await board.idle(withinMs);
        });
      } else await within(rounds.end(), withinMs, clock);
      await log
        .endTending(holder)
        .catch((error: unknown) => onFault('handing the incidents over', error));
    },
    nudge() {
      rounds.refresh();
      alarm.ring();
    },
    isTending: () => rounds.isTending(),
  };
}

/** Two that speak at once say everything twice: until the last words are out nobody else takes over. */
async function holding(
  { log, clock, holder, onFault }: AttendanceParts,
  work: () => Promise<void>,
): Promise<void> {
  const said = new AbortController();
  const hold = async (): Promise<void> => {
    while (!said.signal.aborted) {
      await log.tend(holder);
      await clock.sleep(holder.forMs / 3, said.signal);
    }
  };
  const held = hold().catch((error: unknown) => {
    if (!said.signal.aborted) onFault('keeping the incidents until the end', error);
  });
  await work();
  said.abort();
  await held;
}

interface Rounds {
  round(): Promise<void>;
  /** Somebody changed something, perhaps about an incident that is over: the next round reads those too. */
  refresh(): void;
  end(): Promise<void>;
  isTending(): boolean;
}

function createRounds(parts: AttendanceParts, nudge: () => void): Rounds {
  const { incidents, log, runbook, rules, clock, meter, holder, onFault } = parts;
  const latest = createLatest();
  const lists = createLists(log, clock);
  /** Targets with an incident: looked at even where dbconn does not watch, for one without looks could never end. */
  let minded: ReadonlySet<string> = new Set();
  const tenure = createTenure(log, holder, clock);
  const isTending = (): boolean => tenure.isHeld();
  const take = async (examination: Examination): Promise<void> => {
    if (!isTending()) return;
    const { name } = examination.target;
    const seen = await incidents.seen(examination);
    if (!seen.ok) onFault(`the look at ${name}`, new Error(seen.refusal.next));
    const isMinded = seen.ok && seen.value !== null;
    if (isMinded || minded.has(name)) latest.keep(examination.diagnosis);
    if (isMinded) nudge();
  };
  const watch = createWatch({
    ...parts,
    targets: runbook.targets.map(({ name }) => name),
    examine: (target) => runbook.examine(target, 'sparing'),
    everyMs: rules.lookEveryMs,
    mostAtOnce: mostLooks,
    isWanted: (target) => rules.watch || minded.has(target),
    onExamined: (examination) => take(examination),
    onFault: (target, error) => onFault(`the look at ${target}`, error),
  });
  const bedside = createBedside({ ...parts, latest, watch, isTending });
  const lose = async (): Promise<void> => {
    tenure.drop();
    meter.incidents(0, false);
    bedside.forget();
    parts.board.doubt();
    // What was seen before the gap says nothing of the time after it.
    latest.forgetAllBut(new Set());
    await watch.stop();
  };
  return {
    isTending,
    async round() {
      await clock.agree();
      try {
        await tenure.ask();
      } finally {
        if (!isTending()) await lose();
      }
      if (!isTending()) return;
      watch.start();
      const { open, merged, past } = await lists.read();
      minded = new Set([...open, ...merged].map(({ target }) => target));
      latest.forgetAllBut(minded);
      meter.incidents(open.length, true);
      await followMerged({ ...parts }, merged);
      bedside.attend([...open, ...merged, ...past]);
    },
    refresh: () => lists.refresh(),
    async end() {
      tenure.drop();
      await Promise.all([watch.stop(), bedside.idle()]);
    },
  };
}
