import type { Database, ServerIdentity } from '../runbook/snapshot/ports.ts';
import type {
  DatabaseSnapshot,
  DatabaseReading,
  ReachError,
  Rung,
} from '../runbook/snapshot/snapshot.ts';
import type { Limits } from '../runbook/snapshot/target.ts';
import type { Clock } from '../timing.ts';
import { connect } from './connect/connection.ts';
import type { Connection } from './connect/connection.ts';
import { WarmConnection } from './connect/warm-connection.ts';
import { isFull, slowAnswer, toReachError } from './failure.ts';
import { SnapshotReader } from './snapshot/snapshot-reader.ts';

export interface DatabaseOptions {
  readonly target: string;
  readonly url: string;
  /** A role that may use the reserved slots, where `url`'s may not. */
  readonly reservedUrl?: string;
  /** A superuser, for one snapshot. */
  readonly rescueUrl?: string;
  /** psql in the container: prints what the statements return. */
  readonly exec?: (sql: string, timeoutMs: number) => Promise<string>;
  readonly providerReserved: number;
  /** Read at each snapshot: they may change while the connection stays. */
  readonly limits: Limits;
  readonly clock: Clock;
}

/** All rungs together: the slash command must be answered within 5 s. */
const budgetMs = 4000;
/** On the warm connection, so that a new one can still be tried within the budget when it hangs. */
const warmMs = 1800;
/** PostgreSQL as one target's evidence: see `readSnapshot`. */
export function createDatabase(options: DatabaseOptions): Database {
  return new Lifeline(options);
}

/** Climbs from the cheapest rung to the last, and says which one answered. */
class Lifeline implements Database {
  readonly #options: DatabaseOptions;
  readonly #warm: WarmConnection;
  readonly #reader: SnapshotReader;
  #running: Promise<DatabaseSnapshot> | undefined;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    this.#reader = new SnapshotReader(options);
    this.#warm = new WarmConnection(options.url, options.providerReserved);
  }

  /** A caller who asks while a snapshot is under way gets that one: a target never has two at once. */
  readSnapshot(): Promise<DatabaseSnapshot> {
    this.#running ??= this.#takeSnapshot().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  identity(): ServerIdentity | undefined {
    return this.#reader.identity;
  }

  /** Nothing is open once it resolves: a snapshot under way is waited for, at most its budget. */
  async close(): Promise<void> {
    await Promise.all([this.#warm.close(), this.#running]);
  }

  async #takeSnapshot(): Promise<DatabaseSnapshot> {
    const climb = new Climb(this.#options.clock);
    const reading = await this.#climb(climb);
    this.#warm.restore();
    const error = climb.error ?? missingPrivilege(reading);
    return {
      tookMs: climb.tookMs,
      reach: {
        via: reading === undefined ? 'none' : climb.rung,
        ...(error !== undefined && { error }),
        rungs: climb.rungs,
        ...(climb.loginMs !== undefined && { loginMs: Math.round(climb.loginMs) }),
      },
      ...(reading !== undefined && { reading }),
    };
  }

  async #climb(climb: Climb): Promise<DatabaseReading | undefined> {
    const warm = this.#warm.current;
    if (warm !== undefined) {
      const reading = await climb.try('warm', () => this.#reader.snapshotOnWarm(warm, warmMs));
      // Logins read the same catalogs: a new session would hang there, unbounded by any time-out of the server.
      if (reading !== undefined || climb.error?.sqlstate === catalogLocked) return reading;
    }
    const trouble = climb.error;
    climb.error = undefined;
    const reading = await climb.try('connection', () => this.#snapshotOnNew(climb));
    if (reading !== undefined) {
      // The server answers a new session, so what said nothing was our old one alone. One that was lost, or whose
      // statement somebody cancelled, is replaced and no trouble any more.
      if (trouble?.kind === 'frozen' && trouble.sqlstate === undefined) climb.error = backendHangs;
      return reading;
    }
    return climb.error !== undefined && isFull(climb.error) ? this.#climbOn(climb) : undefined;
  }

  /** The ordinary role is refused. Everything from here is let go right after the snapshot. */
  async #climbOn(climb: Climb): Promise<DatabaseReading | undefined> {
    const { reservedUrl, rescueUrl, exec } = this.#options;
    const steps: readonly (readonly [Rung, (() => Promise<DatabaseReading>) | undefined])[] = [
      [
        'reserved',
        reservedUrl === undefined ? undefined : () => this.#snapshotOnce(reservedUrl, climb),
      ],
      [
        'superuser',
        rescueUrl === undefined ? undefined : () => this.#snapshotOnce(rescueUrl, climb),
      ],
      [
        'exec',
        exec === undefined
          ? undefined
          : () => this.#reader.snapshotByExec((sql) => exec(sql, climb.leftMs)),
      ],
    ];
    for (const [rung, step] of steps) {
      if (step === undefined) continue;
      const reading = await climb.try(rung, step);
      if (reading !== undefined) return reading;
    }
    return undefined;
  }

  /** The new session stays as the warm one, unless it sits on a reserved slot: those are for humans too. */
  async #snapshotOnNew(climb: Climb): Promise<DatabaseReading> {
    const connection = await climb.connect(this.#options.url);
    try {
      const reading = await this.#reader.snapshot(connection, climb.leftMs);
      const { maxConnections, superuserReserved, reserved, providerReserved } = reading.capacity;
      const usable = maxConnections - superuserReserved - reserved - providerReserved;
      if (reading.counts.clients <= usable) {
        await this.#warm.keep(connection);
        return reading;
      }
      climb.enter(reading.visibility.roleSuperuser ? 'superuser' : 'reserved');
      await connection.close();
      return reading;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  async #snapshotOnce(url: string, climb: Climb): Promise<DatabaseReading> {
    const connection = await climb.connect(url);
    try {
      return await this.#reader.snapshot(connection, climb.leftMs);
    } finally {
      await connection.close();
    }
  }
}

/** lock_not_available: our lock_timeout ran out. */
const catalogLocked = '55P03';

/** What was read is not enough to judge by. */
function missingPrivilege(reading: DatabaseReading | undefined): ReachError | undefined {
  if (reading === undefined || reading.counts.hidden === 0) return undefined;
  const role = reading.visibility.role.replaceAll('"', '""');
  return {
    kind: 'privilege',
    summary: "dbconn's role may not see other roles' sessions.",
    fix: `GRANT pg_monitor TO "${role}";`,
  };
}

const backendHangs: ReachError = {
  kind: 'frozen',
  detail: 'backend',
  summary: "dbconn's own session did not answer in time; a new one did.",
  fix: 'Nothing to do: dbconn has replaced it. If it happens again, check what stops single processes.',
};

/** One way up the ladder: what was tried, what it said, and how much of the budget is left. */
class Climb {
  rung: Rung = 'none';
  error: ReachError | undefined;
  /** How long the last login took. */
  loginMs: number | undefined;
  readonly rungs: { rung: Rung; outcome: string }[] = [];
  readonly #clock: Clock;
  readonly #began: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#began = clock.now();
  }

  get tookMs(): number {
    return this.#clock.now() - this.#began;
  }

  get leftMs(): number {
    return Math.max(1, budgetMs - this.tookMs);
  }

  /** What answered turned out to be another rung. */
  enter(rung: Rung): void {
    this.rung = rung;
  }

  async connect(url: string): Promise<Connection> {
    this.loginMs = undefined;
    const connection = await connect(url, this.leftMs);
    this.loginMs = connection.loginMs;
    return connection;
  }

  async try(
    rung: Rung,
    step: () => Promise<DatabaseReading>,
  ): Promise<DatabaseReading | undefined> {
    this.rung = rung;
    if (this.tookMs >= budgetMs) {
      this.rungs.push({ rung, outcome: 'no time left' });
      return undefined;
    }
    try {
      const reading = await step();
      this.rungs.push({ rung: this.rung, outcome: 'answered' });
      return reading;
    } catch (error) {
      const reached = this.#explain(error);
      // The first refusal says what is wrong; a higher rung's own trouble stands in the list.
      this.error ??= reached;
      this.rungs.push({ rung, outcome: reached.summary });
      return undefined;
    }
  }
  /** A server that let us in is not frozen, however long the rest takes. */
  #explain(error: unknown): ReachError {
    const reached = toReachError(error);
    const isSilence = reached.kind === 'frozen' && this.loginMs !== undefined;
    return isSilence ? slowAnswer(this.loginMs ?? 0, this.tookMs) : reached;
  }
}
