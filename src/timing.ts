import { setTimeout as sleep } from 'node:timers/promises';

export const systemClock: Clock = {
  now: () => Date.now(),
  uptime: () => Number(process.hrtime.bigint() / 1_000_000n),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/** Does the work every so often until the returned function is called. Keeps no process alive. */
export function repeat(everyMs: number, work: () => Promise<void>): () => void {
  const timer = setInterval(() => void work(), everyMs).unref();
  return () => clearInterval(timer);
}

/** A work took longer than it was given. */
export class TimedOut extends Error {
  readonly afterMs: number;

  constructor(afterMs: number) {
    super(`No answer within ${afterMs} ms.`);
    this.name = 'TimedOut';
    this.afterMs = afterMs;
  }
}

/**
 * Runs a work with a time of its own; when that is up its signal aborts, and TimedOut is thrown, or what `late` makes.
 * What was asked of somebody else may go on all the same.
 */
export async function withTimeout<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => Error = () => new TimedOut(ms),
): Promise<T> {
  const abort = new AbortController();
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  // Not AbortSignal.timeout: its timer does not keep the process alive, and a lone check would end unanswered.
  const timer = setTimeout(() => {
    // First this rejection, or the abort's own error would win and say nothing of a time-out.
    reject(late());
    abort.abort();
  }, ms);
  try {
    return await Promise.race([work(abort.signal), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

interface Polling {
  readonly everyMs: number;
  /** Without end unless given. */
  readonly withinMs?: number;
  readonly clock?: Clock;
}

/** Asks every so often until there is an answer. Once `isOver()` the time is up, and what is asked has to answer. */
export async function poll<T>(
  { everyMs, withinMs = Infinity, clock = systemClock }: Polling,
  ask: (isOver: () => boolean) => Promise<T | undefined>,
): Promise<T> {
  const endsAt = uptimeOf(clock) + withinMs;
  for (;;) {
    const answer = await ask(() => uptimeOf(clock) >= endsAt);
    if (answer !== undefined) return answer;
    await clock.sleep(everyMs);
  }
}

/** UTC ISO text with milliseconds. */
export function isoNow(clock: Clock): string {
  return new Date(clock.now()).toISOString();
}

/**
 * What the work comes to, or undefined where its time is up first; without a bound that is never. No timer is left
 * behind, and what the work comes to later nobody hears.
 */
export async function within<T>(
  work: Promise<T>,
  ms: number | undefined,
  clock: Clock,
): Promise<T | undefined> {
  if (ms === undefined) return work;
  const ended = new AbortController();
  const timer = clock.sleep(ms, ended.signal).then(
    () => undefined,
    () => undefined,
  );
  try {
    return await Promise.race([work, timer]);
  } finally {
    ended.abort();
  }
}

/** A sleep that can be cut short. */
interface WakeableSleep {
  /** Sleeps that long, or until it rings, but never shorter than `leastMs`. A ring from before counts once. */
  wait(ms: number, leastMs: number): Promise<void>;
  ring(): void;
}

export function createWakeableSleep(clock: Clock): WakeableSleep {
  let rung = false;
  let sleeping: AbortController | undefined;
  return {
    async wait(ms, leastMs) {
      await clock.sleep(leastMs);
      if (!rung) {
        sleeping = new AbortController();
        // Rung while it slept: that is what the signal is for.
        await clock.sleep(Math.max(0, ms - leastMs), sleeping.signal).catch(() => undefined);
        sleeping = undefined;
      }
      rung = false;
    },
    ring() {
      rung = true;
      sleeping?.abort();
    },
  };
}

/** Lets so many works run at once; the others wait in the order they came. */
interface Turns {
  take<T>(work: () => Promise<T>): Promise<T>;
}

export function createTurns(mostAtOnce: number): Turns {
  const waiting: (() => void)[] = [];
  let free = mostAtOnce;
  return {
    async take(work) {
      if (free > 0) free -= 1;
      else await new Promise<void>((resolve) => void waiting.push(resolve));
      try {
        return await work();
      } finally {
        // Handed on, not given back: work that comes meanwhile must not overtake.
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}

export const unitsInMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `30m`, `30min`, `2h` as milliseconds; undefined for everything else, and for no time at all. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|min|m|h|d)$/i.exec(text) ?? [];
  const ms = Number(digits) * (unitsInMs[unit.toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(ms) && ms > 0 ? ms : undefined;
}

const unitsToShow = ['d', 'h', 'm', 's'].map((unit) => [unitsInMs[unit] ?? 1, unit] as const);

/** `30m` for 1800000: a duration as somebody would type it, in the largest unit that holds it whole. */
export function toDurationText(ms: number): string {
  const [size, unit] = unitsToShow.find(([size]) => ms % size === 0) ?? [1, 'ms'];
  return `${ms / size}${unit}`;
}

/** Pauses between tries: the first, then each twice the one before, up to the longest. */
export function pauseBefore(tries: number, firstMs: number, longestMs: number): number {
  return Math.min(firstMs * 2 ** Math.min(tries, 30), longestMs);
}

/** Forgets what was put there first where there is more than that. */
export function keepNewest<K>(known: Map<K, unknown>, most: number): void {
  const [oldest] = known.keys();
  if (known.size > most && oldest !== undefined) known.delete(oldest);
}

/** Somebody who guesses passwords, or a journal that is gone, would otherwise fill the disk with one sentence. */
const tellEveryMs = 60_000;

/** Lets one of each kind through in a minute, and says how many were kept back before it. */
export function createTellSeldom(
  clock: Pick<Clock, 'now'>,
): (kind: string, tell: (keptBack: number) => void) => void {
  const told = new Map<string, { at: number; keptBack: number }>();
  return (kind, tell) => {
    const last = told.get(kind);
    if (last !== undefined && !hasPassed(clock, last.at, tellEveryMs)) {
      last.keptBack += 1;
      return;
    }
    told.set(kind, { at: clock.now(), keptBack: 0 });
    tell(last?.keptBack ?? 0);
  };
}

/** Milliseconds that only ever grow, for what must not depend on a clock somebody sets; `now` where a clock has no other. */
export function uptimeOf(clock: Pick<Clock, 'now' | 'uptime'>): number {
  return clock.uptime?.() ?? clock.now();
}

/** Whether that long went by since a moment; counted in either direction, for the clock may have been set back since. */
export function hasPassed(clock: Pick<Clock, 'now'>, sinceMs: number, forMs: number): boolean {
  return Math.abs(clock.now() - sinceMs) >= forMs;
}

/** Time, as the runbook asks for it: a test hands in its own. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since this machine started, the same for all of its processes: nobody sets them. */
  uptime?(): number;
  /** Rejects at once when the signal aborts, and leaves no timer behind then. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
