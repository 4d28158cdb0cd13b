import { createTurns, uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import type { Meter } from '../escalation/meter.ts';

/** The latest diagnosis of each target that has an incident; hundreds of healthy ones would fill the memory. */
export interface Latest {
  keep(diagnosis: Diagnosis): void;
  of(target: string): Diagnosis | null;
  forgetAllBut(targets: ReadonlySet<string>): void;
}

export function createLatest(): Latest {
  const kept = new Map<string, Diagnosis>();
  return {
    keep: (diagnosis) => void kept.set(diagnosis.target, diagnosis),
    of: (target) => kept.get(target) ?? null,
    forgetAllBut(targets) {
      for (const target of kept.keys()) if (!targets.has(target)) kept.delete(target);
    },
  };
}

/** dbconn's own looks, target by target, so that it works without Prometheus. */
export interface Watch {
  start(): void;
  /** Resolves when no look is under way any more. */
  stop(): Promise<void>;
  /** A look right now; joins the one that is under way. Never rejects. */
  soon(target: string): Promise<void>;
}

interface WatchParts {
  readonly targets: readonly string[];
  readonly runCheck: (target: string) => Promise<TargetCheck>;
  readonly everyMs: number;
  /** Whether a target is to be looked at at all, asked before each look; every one unless given. */
  readonly mayCheck?: (target: string) => boolean;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly onChecked: (targetCheck: TargetCheck) => Promise<void>;
  /** A look that broke in an unforeseen way; the next one comes. Must not throw. */
  readonly onFault: (target: string, error: unknown) => void;
  /** Looks under way over all targets; 32 unless given. */
  readonly mostAtOnce?: number;
  /** From 0 to 1, as Math.random. */
  readonly random?: () => number;
}

/** A look takes milliseconds, and 4 s where the server is in trouble: as many as fit into memory and two cores. */
const defaultAtOnce = 32;
/** Looks of many targets that fell into step come apart again. */
const jitter = 0.1;
/** After a look that took longer than the interval. */
const leastPauseShare = 0.1;

export function createWatch(parts: WatchParts): Watch {
  const { targets, runCheck, meter, onChecked, onFault } = parts;
  const turns = createTurns(parts.mostAtOnce ?? defaultAtOnce);
  const underWay = new Map<string, Promise<void>>();
  let running: Running[] = [];

  const take = async (target: string): Promise<void> => {
    try {
      const targetCheck = await turns.take(() => runCheck(target));
      meter.check(targetCheck.diagnosis);
      await onChecked(targetCheck);
    } catch (error) {
      onFault(target, error);
    }
  };
  const check = (target: string): Promise<void> => {
    const present = underWay.get(target);
    if (present !== undefined) return present;
    const taken = take(target).finally(() => underWay.delete(target));
    underWay.set(target, taken);
    return taken;
  };
  return {
    start() {
      if (running.length > 0) return;
      // A signal of its own for each: hundreds of listeners on one would be taken for a leak.
      running = targets.map((target) => {
        const ending = new AbortController();
        return { ending, ended: keepChecking(parts, { target, check, signal: ending.signal }) };
      });
    },
    async stop() {
      for (const { ending } of running) ending.abort();
      const ended = running.map((one) => one.ended);
      running = [];
      await Promise.all([...ended, ...underWay.values()]);
    },
    soon: (target) => (targets.includes(target) ? check(target) : Promise.resolve()),
  };
}

interface Running {
  readonly ending: AbortController;
  readonly ended: Promise<void>;
}

interface CheckLoop {
  readonly target: string;
  readonly check: (target: string) => Promise<void>;
  readonly signal: AbortSignal;
}

async function keepChecking(
  { clock, everyMs, random = Math.random, mayCheck = () => true }: WatchParts,
  { target, check, signal }: CheckLoop,
): Promise<void> {
  const pause = (ms: number): Promise<void> =>
    // Ended while it slept: that is what the signal is for.
    clock.sleep(Math.round(ms), signal).catch(() => undefined);
  await pause(random() * everyMs);
  while (!signal.aborted) {
    const startedAtMs = uptimeOf(clock);
    if (mayCheck(target)) await check(target);
    if (signal.aborted) return;
    // A clock that is set back meanwhile must not put the next look off.
    const tookMs = uptimeOf(clock) - startedAtMs;
    const intervalMs = everyMs * (1 - jitter + 2 * jitter * random());
    await pause(Math.max(everyMs * leastPauseShare, intervalMs - tookMs));
  }
}
