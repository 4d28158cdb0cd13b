import type { Outbox } from './outbox.ts';

interface RoundsParts {
  /** Writes what there is to say. */
  readonly write: () => Promise<void>;
  /** After that many failures one after the other: how long until the next try, or undefined where none is made. */
  readonly retryAfter: (error: unknown, failures: number) => number | undefined;
  /** Nothing is being written, and nothing is due. */
  readonly onIdle?: () => void;
}

/** The writing of one live message: one round at a time, when it is due, and later and later after a failure. */
export class Rounds {
  readonly #parts: RoundsParts;
  #dueAtMs: number | undefined;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(parts: RoundsParts) {
    this.#parts = parts;
  }

  /** Rounds that failed one after the other. */
  get failures(): number {
    return this.#failures;
  }

  get isIdle(): boolean {
    return this.#dueAtMs === undefined && this.#running === undefined;
  }

  /** Something is to be said, that long after the last round began at the earliest. */
  dueIn(ms: number): void {
    this.#dueAtMs = Math.min(this.#dueAtMs ?? Infinity, this.#startedAtMs + ms);
    this.#schedule();
  }

  /** Something new is worth a round at once, and soon again. */
  forgive(): void {
    this.#failures = 0;
  }

  /** Waits for the round that is under way. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Writes what was put off, now, and waits for it. */
  async idle(): Promise<void> {
    if (this.#dueAtMs !== undefined) this.#dueAtMs = 0;
    this.#schedule();
    await this.#running;
    // What came while it ran.
    if (this.#dueAtMs !== undefined && this.#failures === 0) await this.idle();
  }

  /** What was put off is not written. */
  cancel(): void {
    this.#dueAtMs = undefined;
    clearTimeout(this.#timer);
  }

  /** No other round begins. */
  stop(): void {
    this.#isStopped = true;
    this.cancel();
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#running !== undefined || this.#dueAtMs === undefined || this.#isStopped) return;
    const ms = this.#dueAtMs - performance.now();
    if (ms <= 0) this.#start();
    // Nothing waits for a message when the process ends: the next one goes on with it.
    else this.#timer = setTimeout(() => this.#start(), ms).unref();
  }

  #start(): void {
    this.#startedAtMs = performance.now();
    this.#dueAtMs = undefined;
    this.#running = this.#parts
      .write()
      .then(() => this.forgive())
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#running = undefined;
        this.#schedule();
        if (this.isIdle) this.#parts.onIdle?.();
      });
  }

  #fail(error: unknown): void {
    const againMs = this.#parts.retryAfter(error, this.#failures + 1);
    if (againMs === undefined) this.cancel();
    else {
      this.#failures += 1;
      this.#dueAtMs = performance.now() + againMs;
    }
  }
}

/** Waits until they have said everything; after `ms` without patience. */
export async function settleWithin(
  { hurry }: Pick<Outbox, 'hurry'>,
  ms: number,
  settling: Iterable<Promise<void>>,
): Promise<void> {
  const timer = setTimeout(hurry, ms);
  try {
    await Promise.all(settling);
  } finally {
    clearTimeout(timer);
  }
}
