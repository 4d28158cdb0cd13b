import { connect } from './connection.ts';
import type { Connection } from './connection.ts';

const connectTimeoutMs = 3000;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/** The one session a target has, kept for the moment when no other can be had, and made again when it is lost. */
export class WarmConnection {
  readonly #url: string;
  #current: Connection | undefined;
  #pauseMs = firstPauseMs;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(url: string) {
    this.#url = url;
  }

  get current(): Connection | undefined {
    return this.#current?.isOpen === true ? this.#current : undefined;
  }

  /** Keeps this session from now on. */
  keep(connection: Connection): void {
    if (this.#closed) {
      connection.close();
      return;
    }
    this.#current = connection;
    this.#pauseMs = firstPauseMs;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void connection.ended.then(() => this.#lost(connection));
  }

  drop(): void {
    const connection = this.#current;
    this.#current = undefined;
    connection?.close();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.drop();
  }

  #lost(connection: Connection): void {
    if (this.#closed || (this.#current !== undefined && this.#current !== connection)) return;
    this.#current = undefined;
    this.#tryAgainLater();
  }

  /** Doubling pauses with jitter: a server that comes back must not be met by all bots at once. */
  #tryAgainLater(): void {
    if (this.#timer !== undefined) return;
    const pauseMs = this.#pauseMs * (0.5 + Math.random() / 2);
    this.#pauseMs = Math.min(longestPauseMs, this.#pauseMs * 2);
    this.#timer = setTimeout(() => void this.#tryAgain(), pauseMs);
    this.#timer.unref(); // no reason to keep a finished terminal command alive
  }

  async #tryAgain(): Promise<void> {
    this.#timer = undefined;
    if (this.#closed || this.current !== undefined) return;
    try {
      this.keep(await connect(this.#url, connectTimeoutMs));
    } catch {
      this.#tryAgainLater(); // the next look says why, to whoever asks
    }
  }
}
