import { Socket } from 'node:net';
import { Client, DatabaseError } from 'pg';
import { z } from 'zod';
import { withTimeout } from '../../timing.ts';
import { PostgresTimeout, SlowLogin } from '../failure.ts';
import { connectByTls } from './connect-by-tls.ts';
import type { TlsAttempt } from './connect-by-tls.ts';
import { probeServer } from './read-phase.ts';

/** A session that answered with an error has this long to end its transaction. */
const rollbackMs = 300;
/** A server that listens has said goodbye long before. */
const farewellMs = 200;
/** What a firewall in between forgets after minutes of silence is kept alive by this. */
const keepAliveMs = 30_000;

/**
 * Opens a session. Throws what pg throws, PostgresTimeout or UnusableUrl; nothing stays open then. An abort hangs up.
 */
export function connect(url: string, timeoutMs: number, abort?: AbortSignal): Promise<Connection> {
  const began = performance.now();
  const login: Login = { began, deadline: began + timeoutMs, abort, wasAnswered: false };
  return connectByTls(url, (bareUrl, ssl) => open(bareUrl, ssl, login));
}

interface Login {
  readonly began: number;
  readonly deadline: number;
  readonly abort: AbortSignal | undefined;
  /** By any of its attempts: one byte is enough to tell a slow server from a frozen one. */
  wasAnswered: boolean;
}

async function open(url: string, ssl: TlsAttempt, login: Login): Promise<Connection> {
  const { began, deadline } = login;
  // Our own socket, for pg has no way to hang up on a server that does not answer.
  const socket = new Socket();
  const hangUp = (): unknown => socket.destroy();
  const client = new Client({
    connectionString: url,
    application_name: 'dbconn',
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    ssl,
    stream: () => socket,
  });
  const ended = new Promise<void>((resolve) => {
    client.once('end', resolve);
    socket.once('close', () => resolve());
  });
  // Without a listener a lost connection would end the process; the holder sees `ended`.
  client.on('error', hangUp);
  login.abort?.addEventListener('abort', hangUp, { once: true });
  const probe = probeServer(client, socket);
  try {
    await within('Connecting', deadline - performance.now(), client.connect());
    const loginMs = performance.now() - began;
    const version = await readOne(client, 'SHOW server_version_num', deadline - performance.now());
    return new Connection({ client, socket, ended, loginMs, version: Number(version) });
  } catch (error) {
    const wasReached = !socket.connecting;
    login.wasAnswered ||= socket.bytesRead > 0 || probe.stop();
    socket.destroy();
    if (!(error instanceof PostgresTimeout)) throw error;
    if (login.wasAnswered) throw new SlowLogin(deadline - began);
    if (wasReached) throw error;
    throw new PostgresTimeout('Reaching the address', deadline - began, false);
  } finally {
    login.abort?.removeEventListener('abort', hangUp);
    probe.stop();
  }
}

interface Opened {
  readonly client: Client;
  readonly socket: Socket;
  readonly ended: Promise<void>;
  readonly loginMs: number;
  readonly version: number;
}

/** One open session of dbconn. */
export class Connection {
  /** `server_version_num`. */
  readonly version: number;
  /** Resolves when the session ended, no matter who ended it. */
  readonly ended: Promise<void>;
  /** How long the login took. */
  readonly loginMs: number;
  readonly #client: Client;
  readonly #socket: Socket;

  constructor({ client, socket, ended, loginMs, version }: Opened) {
    this.#client = client;
    this.#socket = socket;
    this.ended = ended;
    this.loginMs = loginMs;
    this.version = version;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /**
   * One simple-protocol message; the value of the one column of the one row that is in it. What the server
   * refuses is thrown and leaves the session open, in no transaction; a time-out hangs up.
   */
  async readOne(sql: string, timeoutMs: number): Promise<string> {
    try {
      return await readOne(this.#client, sql, timeoutMs);
    } catch (error) {
      // On a full server this session may be the only one to be had: an error is no reason to give it up.
      if (!(error instanceof DatabaseError && (await this.#isRolledBack()))) this.#socket.destroy();
      throw error;
    }
  }

  /** Says goodbye if the server listens, and hangs up if it does not; nothing is open once it resolves. */
  async close(): Promise<void> {
    this.#client.end().catch(() => undefined); // it was gone already
    const hangUp = setTimeout(() => this.#socket.destroy(), farewellMs);
    await this.ended;
    clearTimeout(hangUp);
  }

  #isRolledBack(): Promise<boolean> {
    return within('ROLLBACK', rollbackMs, this.#client.query('ROLLBACK')).then(
      () => true,
      () => false, // it ended, or hangs
    );
  }
}

const Result = z.object({ rows: z.array(z.record(z.string(), z.unknown())) });

async function readOne(client: Client, sql: string, timeoutMs: number): Promise<string> {
  const answer: unknown = await within('The check', timeoutMs, client.query(sql));
  const results = z.array(Result).parse(Array.isArray(answer) ? answer : [answer]);
  const row = results.flatMap(({ rows }) => rows)[0] ?? {};
  return z.string().parse(Object.values(row)[0]);
}

function within<T>(what: string, timeoutMs: number, work: Promise<T>): Promise<T> {
  work.catch(() => undefined); // the late answer of a connection we hung up on
  const ms = Math.max(1, timeoutMs);
  return withTimeout(
    ms,
    () => work,
    () => new PostgresTimeout(what, timeoutMs),
  );
}
