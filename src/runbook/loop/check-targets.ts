import { createTurns, uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import type { Meter } from '../escalation/ports.ts';

interface WatchDeps {
  readonly targets: readonly string[];
  readonly runCheck: (target: string) => Promise<TargetCheck>;
  readonly everyMs: number;
  /** Whether a target is to be checked at all, asked before each check; every one unless given. */
  readonly mayCheck?: (target: string) => boolean;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly onChecked: (targetCheck: TargetCheck) => Promise<void>;
  /** A check that broke in an unforeseen way; the next one comes. Must not throw. */
  readonly onFault: (target: string, error: unknown) => void;
  /** Checks under way over all targets; 32 unless given. */
  readonly mostAtOnce?: number;
  /** From 0 to 1, as Math.random. */
  readonly random?: () => number;
}

/** A check takes milliseconds, and 4 s where the server is in trouble: as many as fit into memory and two cores. */
const defaultAtOnce = 32;
/** Checks of many targets that fell into step come apart again. */
const jitter = 0.1;
/** After a check that took longer than the interval. */
const leastPauseShare = 0.1;

interface Running {
  readonly ending: AbortController;
  readonly ended: Promise<void>;
}

/** dbconn's own checks, target by target, so that it works without Prometheus. */
export class Watch {
  readonly #deps: WatchDeps;
  readonly #turns: ReturnType<typeof createTurns>;
  readonly #underWay = new Map<string, Promise<void>>();
  #running: Running[] = [];

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    this.#turns = createTurns(deps.mostAtOnce ?? defaultAtOnce);
  }

  start(): void {
    if (this.#running.length > 0) return;
    // A signal of its own for each: hundreds of listeners on one would be taken for a leak.
    this.#running = this.#deps.targets.map((target) => {
      const ending = new AbortController();
      return { ending, ended: this.#keepChecking(target, ending.signal) };
    });
  }

  /** Resolves when no check is under way any more. */
  async stop(): Promise<void> {
    for (const { ending } of this.#running) ending.abort();
    const ended = this.#running.map((one) => one.ended);
    this.#running = [];
    await Promise.all([...ended, ...this.#underWay.values()]);
  }

  /** A check right now; joins the one that is under way. Never rejects. */
  soon(target: string): Promise<void> {
    return this.#deps.targets.includes(target) ? this.#check(target) : Promise.resolve();
  }

  #check(target: string): Promise<void> {
    const present = this.#underWay.get(target);
    if (present !== undefined) return present;
    const taken = this.#take(target).finally(() => this.#underWay.delete(target));
    this.#underWay.set(target, taken);
    return taken;
  }

  async #take(target: string): Promise<void> {
    const { runCheck, meter, onChecked, onFault } = this.#deps;
    try {
      const targetCheck = await this.#turns.take(() => runCheck(target));
      meter.check(targetCheck.diagnosis);
      await onChecked(targetCheck);
    } catch (error) {
      onFault(target, error);
    }
  }

  async #keepChecking(target: string, signal: AbortSignal): Promise<void> {
    const { clock, everyMs, random = Math.random, mayCheck = () => true } = this.#deps;
    const pause = (ms: number): Promise<void> =>
      // Ended while it slept: that is what the signal is for.
      clock.sleep(Math.round(ms), signal).catch(() => undefined);
    await pause(random() * everyMs);
    while (!signal.aborted) {
      const startedAtMs = uptimeOf(clock);
      if (mayCheck(target)) await this.#check(target);
      if (signal.aborted) return;
      // A clock that is set back meanwhile must not put the next check off.
      const tookMs = uptimeOf(clock) - startedAtMs;
      const intervalMs = everyMs * (1 - jitter + 2 * jitter * random());
      await pause(Math.max(everyMs * leastPauseShare, intervalMs - tookMs));
    }
  }
}
