import { uptimeOf } from '../../timing.ts';
import type { Clock } from '../../timing.ts';
import { JournalUnavailable } from '../approvals/journal.ts';

interface PausesOptions {
  readonly clock: Pick<Clock, 'now' | 'uptime'>;
  readonly firstMs: number;
  readonly longestMs: number;
}

/** What became of a try: no error where it was not made, because it failed a short time ago. */
export type Attempt =
  { readonly isDone: true } | { readonly isDone: false; readonly error?: unknown };

/** What failed is tried again after a pause, which each failure in a row doubles. */
export class Pauses {
  readonly #options: PausesOptions;
  readonly #present = new Map<string, { readonly untilMs: number; readonly ms: number }>();

  constructor(options: PausesOptions) {
    this.#options = options;
  }

  isOn(key: string): boolean {
    return (this.#present.get(key)?.untilMs ?? -Infinity) > uptimeOf(this.#options.clock);
  }

  begin(key: string): void {
    const { clock, firstMs, longestMs } = this.#options;
    const before = this.#present.get(key);
    const ms = Math.min(before === undefined ? firstMs : before.ms * 2, longestMs);
    this.#present.set(key, { untilMs: uptimeOf(clock) + ms, ms });
  }

  /** Not tried again by this process. */
  beginForGood(key: string): void {
    this.#present.set(key, { untilMs: Infinity, ms: 0 });
  }

  end(key: string): void {
    this.#present.delete(key);
  }

  /** Forgets all but these. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#present.keys()) if (!keys.has(key)) this.#present.delete(key);
  }

  /** Tries it unless it failed a short time ago. Throws JournalUnavailable alone. */
  async attempt(key: string, work: () => Promise<unknown>): Promise<Attempt> {
    if (this.isOn(key)) return { isDone: false };
    try {
      await work();
      this.end(key);
      return { isDone: true };
    } catch (error) {
      if (error instanceof JournalUnavailable) throw error;
      this.begin(key);
      return { isDone: false, error };
    }
  }
}
