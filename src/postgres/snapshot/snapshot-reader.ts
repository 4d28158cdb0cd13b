import { randomUUID } from 'node:crypto';
import { DatabaseError } from 'pg';
import { ServerIdentity } from '../../runbook/snapshot/ports.ts';
import type { DatabaseReading } from '../../runbook/snapshot/snapshot.ts';
import type { Limits } from '../../runbook/snapshot/target.ts';
import type { Clock } from '../../timing.ts';
import type { Connection } from '../connect/connection.ts';
import {
  lightStatement,
  needsLightSnapshot,
  toFullSnapshot,
  toLightReading,
} from './light-snapshot.ts';
import type { FullSnapshot } from './light-snapshot.ts';
import { SnapshotRow } from './snapshot-row.ts';
import { microseconds, snapshotStatement } from './snapshot-statement.ts';
import { toReading } from './to-reading.ts';
import {
  countAgainAfterMs,
  isRestless,
  parseTally,
  tallyStatement,
  toTurnover,
} from './turnover.ts';
import type { Tally } from './turnover.ts';

/** Ends a snapshot of ours that the server works on though we have hung up. */
const statementTimeoutMs = 3000;
const lockTimeoutMs = 250;

/** One message of the simple protocol: one round trip, and a transaction that cannot write. */
function inTransaction(statements: string): string {
  return [
    'BEGIN READ ONLY',
    // Else anybody who may create a function in this database runs it as our role, by giving it a built-in's name.
    'SET LOCAL search_path = pg_catalog',
    `SET LOCAL statement_timeout = ${statementTimeoutMs}`,
    `SET LOCAL lock_timeout = ${lockTimeoutMs}`,
    statements,
    'COMMIT',
  ].join(';\n');
}

/** PostgreSQL lets everybody call pg_control_system() unless somebody revoked it (documentation, Control Data Functions). */
function statement(systemIdentifier: string): string {
  return inTransaction(`SELECT json_build_object('systemIdentifier', ${systemIdentifier}, 'startedAt', ${microseconds('pg_postmaster_start_time()')},
  'database', current_database())::text`);
}

const insufficientPrivilege = '42501';

/** Which database of which server this session is in. Throws what the session throws. */
async function readIdentity(connection: Connection, timeoutMs: number): Promise<ServerIdentity> {
  const read = async (systemIdentifier: string): Promise<ServerIdentity> =>
    ServerIdentity.parse(
      JSON.parse(await connection.readOne(statement(systemIdentifier), timeoutMs)),
    );
  try {
    return await read('(SELECT system_identifier::text FROM pg_control_system())');
  } catch (error) {
    const isRefused = error instanceof DatabaseError && error.code === insufficientPrivilege;
    if (!isRefused) throw error;
    return read('NULL');
  }
}

interface SnapshotReaderOptions {
  readonly providerReserved: number;
  readonly limits: Limits;
  readonly clock: Clock;
}

/**
 * For so long a snapshot keeps out of the lock manager when many are only about to make it busy. After that one asks
 * unless they are at it: else clients that give up and come back would hide who blocks them for ever.
 */
const earlyMs = 30_000;

/** Takes snapshots of one target through any session; remembers what the next snapshot can use. Throws what the session throws. */
export class SnapshotReader {
  readonly #options: SnapshotReaderOptions;
  #version: number | undefined;
  #lastFull: FullSnapshot | undefined;
  #tally: Tally | undefined;
  #identity: ServerIdentity | undefined;
  /** By the clock: since when every snapshot has been a light one. */
  #busySinceMs: number | undefined;
  /** The statement's name in sessions that have it planned, and the limits in it; null in those that cannot keep it. */
  readonly #planned = new WeakMap<
    Connection,
    { readonly name: string; readonly limits: Limits } | null
  >();

  constructor(options: SnapshotReaderOptions) {
    this.#options = options;
  }

  /** Which server's database it is, as of the last snapshot; undefined until one has told. */
  get identity(): ServerIdentity | undefined {
    return this.#identity;
  }

  /** Through a session that is used once. */
  async snapshot(connection: Connection, timeoutMs: number): Promise<DatabaseReading> {
    const deadline = performance.now() + timeoutMs;
    this.#version = connection.version;
    const snapshot = this.#statement(connection.version);
    const reading = this.#remember(await connection.readOne(inTransaction(snapshot), timeoutMs));
    await this.#identify(connection, reading, deadline);
    return this.#countAgain(connection, reading, deadline);
  }

  /**
   * Through the session that is kept. First whether the lock manager may be asked: to find out by hanging would
   * cost the only session there is.
   */
  async snapshotOnWarm(connection: Connection, timeoutMs: number): Promise<DatabaseReading> {
    const deadline = performance.now() + timeoutMs;
    const last = this.#lastFull;
    if (needsLightSnapshot(last)) {
      const now = this.#options.clock.now();
      const early = now - (this.#busySinceMs ?? now) < earlyMs;
      const light = lightStatement({
        limits: this.#options.limits,
        last,
        early,
      });
      const text = await connection.readOne(inTransaction(light), timeoutMs);
      const reading = toLightReading(text, last);
      this.#busySinceMs = reading === undefined ? undefined : (this.#busySinceMs ?? now);
      if (reading !== undefined) return reading;
    }
    const reading = this.#remember(await this.#readPlanned(connection, deadline));
    await this.#identify(connection, reading, deadline);
    return reading;
  }

  /** Through psql in the container, which prints what the statements return. */
  async snapshotByExec(exec: (sql: string) => Promise<string>): Promise<DatabaseReading> {
    const version = this.#version ?? Number((await exec('SHOW server_version_num')).trim());
    return this.#remember(await exec(inTransaction(this.#statement(version))));
  }

  /** Once for each start of the server: what it is does not change while it runs. */
  async #identify(
    connection: Connection,
    { startedAt }: DatabaseReading,
    deadline: number,
  ): Promise<void> {
    const leftMs = deadline - performance.now();
    if (this.#identity?.startedAt === startedAt || leftMs <= 0) return;
    try {
      this.#identity = await readIdentity(connection, leftMs);
    } catch {
      this.#identity = undefined; // the next snapshot asks again; this one is worth more
    }
  }

  /** Planning costs more than running, so it is done once a session; where a pooler swaps sessions, every time. */
  async #readPlanned(connection: Connection, deadline: number): Promise<string> {
    const read = (sql: string): Promise<string> =>
      connection.readOne(inTransaction(sql), Math.max(1, deadline - performance.now()));
    const snapshot = this.#statement(connection.version);
    const planned = this.#planned.get(connection);
    if (planned === null) return read(snapshot);
    const { limits } = this.#options;
    const known = planned?.limits === limits ? planned : undefined;
    // A name nobody else has: another bot's statement behind the same pooler has other limits in it.
    const name = known?.name ?? `dbconn_${randomUUID().replaceAll('-', '')}`;
    this.#planned.set(connection, null);
    try {
      const execute = `EXECUTE ${name}`;
      const json = await read(
        known === undefined ? `PREPARE ${name} AS ${snapshot};\n${execute}` : execute,
      );
      this.#planned.set(connection, { name, limits });
      return json;
    } catch (error) {
      if (!isUnknownName(error)) throw error;
      return read(snapshot);
    }
  }

  #statement(version: number): string {
    const { limits, providerReserved } = this.#options;
    return snapshotStatement({ version, limits, providerReserved });
  }

  #remember(json: string): DatabaseReading {
    const row = SnapshotRow.parse(JSON.parse(json));
    const reading = toReading(row);
    this.#lastFull = toFullSnapshot(reading, row);
    return this.#withTurnover(reading, { ...row, ...row.counts });
  }

  /** The first snapshot of a server on which sessions come and go has nothing to compare with: so it counts twice. */
  async #countAgain(
    connection: Connection,
    reading: DatabaseReading,
    deadline: number,
  ): Promise<DatabaseReading> {
    const isKnown = reading.turnover !== undefined || this.#tally?.sessionsBegan === null;
    const pauseMs = countAgainAfterMs(connection.version);
    const leftMs = deadline - performance.now() - pauseMs;
    if (isKnown || leftMs < pauseMs || !isRestless(reading, connection.loginMs)) {
      return reading;
    }
    await this.#options.clock.sleep(pauseMs);
    const tally = tallyStatement(connection.version);
    try {
      const json = await connection.readOne(inTransaction(tally), leftMs);
      return this.#withTurnover(reading, parseTally(json));
    } catch {
      return reading; // what was read is worth more than how fast it changes
    }
  }

  #withTurnover(reading: DatabaseReading, tally: Tally): DatabaseReading {
    const turnover = toTurnover(this.#tally, tally);
    this.#tally = tally;
    return turnover === undefined ? reading : { ...reading, turnover };
  }
}

/** invalid_sql_statement_name: a pooler gave us another session, or somebody ran DISCARD ALL. */
function isUnknownName(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '26000';
}
