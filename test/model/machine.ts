import type { Clock } from '../../src/timing.ts';

/** When a model's night begins, UTC. */
export const nightBeginsMs = Date.parse('2026-11-23T03:00:00.000Z');

interface Sleeper {
  readonly wakeAtMs: number;
  readonly wake: () => void;
}

/** A machine whose time passes only when told to, and whose wall clock somebody may set. */
export class Machine {
  /** True time since the night began: this never goes back. */
  elapsedMs = 0;
  /** What the wall clock is ahead of true time. */
  aheadMs = 0;
  readonly processes = new Set<ProcessClock>();

  /** Sleepers wake one after the other, in true time; after each, `settle` waits for what it does. */
  async pass(ms: number, settle: () => Promise<void>): Promise<void> {
    const until = this.elapsedMs + ms;
    for (;;) {
      const sleepers = [...this.processes].flatMap(({ sleepers: asleep }) => [...asleep]);
      const due = sleepers.filter(({ wakeAtMs }) => wakeAtMs <= until);
      const next = due.toSorted((a, b) => a.wakeAtMs - b.wakeAtMs)[0];
      if (next === undefined) break;
      this.elapsedMs = Math.max(this.elapsedMs, next.wakeAtMs);
      next.wake();
      await settle();
    }
    this.elapsedMs = until;
  }
}

/** The clock of one process: what sleeps in it never wakes once the process is dead. */
export class ProcessClock implements Clock {
  readonly sleepers = new Set<Sleeper>();
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
    machine.processes.add(this);
  }

  now(): number {
    return nightBeginsMs + this.#machine.elapsedMs + this.#machine.aheadMs;
  }

  /** Of the machine, which nobody sets. */
  uptime(): number {
    return this.#machine.elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const sleeper: Sleeper = {
      wakeAtMs: this.#machine.elapsedMs + ms,
      wake: () => {
        this.sleepers.delete(sleeper);
        resolve();
      },
    };
    this.sleepers.add(sleeper);
    signal?.addEventListener('abort', () => {
      if (this.sleepers.delete(sleeper)) reject(new Error('aborted'));
    });
    return promise;
  }

  die(): void {
    this.#machine.processes.delete(this);
    this.sleepers.clear();
  }
}
