import { setTimeout as sleep } from 'node:timers/promises';

/** What the pool needs of a connection; `C` is whatever the application works with. */
export interface Connector<C> {
  open(): Promise<C>;
  /** What SQLAlchemy does on checkin: roll back, whatever was going on. */
  reset(connection: C): Promise<void>;
  close(connection: C): Promise<void>;
  isBroken(connection: C): boolean;
}

interface PoolSettings {
  readonly size: number;
  /** -1 is no ceiling, as a size of 0 is. */
  readonly maxOverflow: number;
  readonly timeoutMs: number;
}

/** A place in the pool; its connection comes and goes. */
interface Place<C> {
  connection: C | undefined;
}

export interface Lease<C> {
  readonly connection: C;
  readonly place: Place<C>;
}

export interface PoolFigures {
  readonly size: number;
  readonly maxOverflow: number;
  readonly checkedOut: number;
  readonly checkedIn: number;
  readonly overflow: number;
  readonly timeouts: number;
}

/** SQLAlchemy's own words, which log readers everywhere match. */
export class PoolTimeoutError extends Error {
  constructor({ size, maxOverflow, timeoutMs }: PoolSettings) {
    const timeout = (timeoutMs / 1000).toFixed(2);
    super(
      `QueuePool limit of size ${size} overflow ${maxOverflow} reached, connection timed out, ` +
        `timeout ${timeout} (Background on this error at: https://sqlalche.me/e/20/3o7r)`,
    );
    this.name = 'PoolTimeoutError';
  }
}

/**
 * SQLAlchemy 2's QueuePool: first in, first out; opens lazily; keeps `size` connections, closes the ones
 * beyond on checkin; a checkout with nothing left waits for `timeoutMs` and then fails.
 * Its figures have SQLAlchemy's meaning: `overflow` starts at -size and counts every open connection.
 */
export class QueuePool<C> {
  readonly #settings: PoolSettings;
  readonly #connector: Connector<C>;
  readonly #idle: Place<C>[] = [];
  readonly #waiting: ((place: Place<C>) => void)[] = [];
  #overflow: number;
  #timeouts = 0;

  constructor(settings: PoolSettings, connector: Connector<C>) {
    const maxOverflow = settings.size === 0 ? -1 : settings.maxOverflow;
    this.#settings = { ...settings, maxOverflow };
    this.#connector = connector;
    this.#overflow = -settings.size;
  }

  get figures(): PoolFigures {
    const { size, maxOverflow } = this.#settings;
    const checkedIn = this.#idle.length;
    const checkedOut = size - checkedIn + this.#overflow;
    const overflow = this.#overflow;
    return { size, maxOverflow, checkedOut, checkedIn, overflow, timeouts: this.#timeouts };
  }

  /** Throws PoolTimeoutError, or what opening a connection threw. */
  async checkout(): Promise<Lease<C>> {
    const idle = this.#idle.shift();
    if (idle !== undefined) return this.#lease(idle);
    if (this.#mayGrow()) return this.#grow();
    const handed = await this.#waitForOne();
    if (handed !== undefined) return this.#lease(handed);
    // A failed connect of somebody else may have made room without handing a place on.
    if (this.#mayGrow()) return this.#grow();
    this.#timeouts += 1;
    throw new PoolTimeoutError(this.#settings);
  }

  async checkin({ place }: Lease<C>): Promise<void> {
    if (place.connection !== undefined && !this.#connector.isBroken(place.connection)) {
      // A connection that cannot be rolled back is broken, and replaced at its next checkout.
      await this.#connector.reset(place.connection).catch(() => {});
    }
    await this.#give(place);
  }

  #mayGrow(): boolean {
    const { maxOverflow } = this.#settings;
    return maxOverflow < 0 || this.#overflow < maxOverflow;
  }

  async #grow(): Promise<Lease<C>> {
    this.#overflow += 1;
    try {
      const connection = await this.#connector.open();
      return { connection, place: { connection } };
    } catch (error) {
      this.#overflow -= 1;
      throw error;
    }
  }

  async #lease(place: Place<C>): Promise<Lease<C>> {
    const kept = place.connection;
    if (kept !== undefined && !this.#connector.isBroken(kept)) return { connection: kept, place };
    try {
      const connection = await this.#connector.open();
      place.connection = connection;
      return { connection, place };
    } catch (error) {
      place.connection = undefined;
      await this.#give(place);
      throw error;
    }
  }

  async #give(place: Place<C>): Promise<void> {
    const next = this.#waiting.shift();
    if (next !== undefined) return next(place);
    const { size } = this.#settings;
    if (size === 0 || this.#idle.length < size) {
      this.#idle.push(place);
      return;
    }
    this.#overflow -= 1;
    if (place.connection !== undefined) await this.#connector.close(place.connection);
  }

  async #waitForOne(): Promise<Place<C> | undefined> {
    const timeout = new AbortController();
    const { promise, resolve } = Promise.withResolvers<Place<C> | undefined>();
    this.#waiting.push(resolve);
    const late = sleep(this.#settings.timeoutMs, undefined, { signal: timeout.signal }).then(
      () => {
        const index = this.#waiting.indexOf(resolve);
        if (index !== -1) this.#waiting.splice(index, 1);
        resolve(undefined);
      },
      () => {}, // served in time
    );
    const place = await promise;
    timeout.abort();
    await late;
    return place;
  }
}
