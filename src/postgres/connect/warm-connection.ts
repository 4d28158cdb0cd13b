import { pauseBefore } from '../../timing.ts';
import { connect } from './connection.ts';
import type { Connection } from './connection.ts';

const timeoutMs = 1000;

/**
 * Whether an ordinary role would have got in as well. When more sessions are there than ordinary roles can have,
 * the last to come sits on a reserved slot.
 * @param providerReserved slots a managed provider keeps for itself, on top of what its own settings tell
 */
export async function readIsOnOrdinarySlot(
  connection: Connection,
  providerReserved: number,
): Promise<boolean> {
  const setting = (name: string): string =>
    `coalesce(nullif(current_setting('${name}', true), '')::int, 0)`;
  const kept = [
    'superuser_reserved_connections',
    'reserved_connections',
    'rds.rds_superuser_reserved_connections',
  ].map(setting);
  const usable = [setting('max_connections'), ...kept, String(providerReserved)].join(' - ');
  const statement = `SELECT (count(*) <= ${usable})::text FROM pg_stat_activity WHERE backend_type = 'client backend'`;
  // As in a snapshot: nobody's functions may stand in for the server's own.
  const answer = await connection.readOne(
    `BEGIN READ ONLY; SET LOCAL search_path = pg_catalog; ${statement}; COMMIT`,
    timeoutMs,
  );
  return answer === 'true';
}

/** Nobody waits for this one, and on a server that is slow to log in it is the only one that gets through. */
const connectTimeoutMs = 30_000;
const firstPauseMs = 1000;
const longestPauseMs = 60_000;

/**
 * The one session a target has, kept for the moment when no other can be had, and made again when it is lost.
 * One on a reserved slot is not kept: those are for humans too.
 */
export class WarmConnection {
  readonly #url: string;
  readonly #providerReserved: number;
  #current: Connection | undefined;
  #tries = 0;
  #timer: NodeJS.Timeout | undefined;
  #trying: Promise<void> | undefined;
  #closed = false;
  readonly #closing = new AbortController();

  constructor(url: string, providerReserved: number) {
    this.#url = url;
    this.#providerReserved = providerReserved;
  }

  get current(): Connection | undefined {
    return this.#current?.isOpen === true ? this.#current : undefined;
  }

  /** Keeps this session from now on, instead of the one before. */
  async keep(connection: Connection): Promise<void> {
    if (this.#closed) return connection.close();
    const former = this.#current;
    this.#current = connection;
    this.#tries = 0;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    void connection.ended.then(() => this.#lost(connection));
    await former?.close();
  }

  /**
   * Sees to it that there is a session again, after doubling pauses with jitter: a server that comes back must
   * not be met by all bots at once.
   */
  restore(): void {
    if (this.#closed || this.#timer !== undefined || this.#trying !== undefined) return;
    if (this.current !== undefined) return;
    const longMs = pauseBefore(this.#tries, firstPauseMs, longestPauseMs);
    this.#tries += 1;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.#trying = this.#tryAgain().finally(() => {
          this.#trying = undefined;
          this.restore();
        });
      },
      longMs * (0.5 + Math.random() / 2),
    );
    this.#timer.unref(); // no reason to keep a finished terminal command alive
  }

  /** Nothing is open once it resolves. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#closing.abort();
    clearTimeout(this.#timer);
    await Promise.all([this.#current?.close(), this.#trying]);
  }

  #lost(connection: Connection): void {
    if (this.#current !== connection) return;
    this.#current = undefined;
    this.restore();
  }

  async #tryAgain(): Promise<void> {
    try {
      const connection = await connect(this.#url, connectTimeoutMs, this.#closing.signal);
      await ((await this.#isWanted(connection)) ? this.keep(connection) : connection.close());
    } catch {
      // The next snapshot says why, to anyone who asks.
    }
  }

  /** Not when a snapshot has found one meanwhile. */
  async #isWanted(connection: Connection): Promise<boolean> {
    const isOrdinary = await readIsOnOrdinarySlot(connection, this.#providerReserved).catch(
      () => false, // too busy to be asked more of
    );
    return isOrdinary && this.current === undefined;
  }
}
