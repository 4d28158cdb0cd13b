import { Socket } from 'node:net';
import { Client } from 'pg';
import { z } from 'zod';
import { PostgresTimeout } from './failure.ts';
import { tlsAttempts, withoutTls } from './tls.ts';
import type { TlsAttempt } from './tls.ts';

/** What a firewall in between forgets after minutes of silence is kept alive by this. */
const keepAliveMs = 30_000;

/** One open session of dbconn. */
export interface Connection {
  /** `server_version_num`. */
  readonly version: number;
  readonly isOpen: boolean;
  /** Resolves when the session ended, whoever ended it. */
  readonly ended: Promise<void>;
  /** One simple-protocol message; the value of the one column of the one row that is in it. */
  readOne(sql: string, timeoutMs: number): Promise<string>;
  /** Says goodbye if the server listens, and hangs up if it does not. */
  close(): void;
}

/** Opens a session. Throws what pg throws, or a PostgresTimeout; nothing stays open then. */
export async function connect(url: string, timeoutMs: number): Promise<Connection> {
  const parsed = new URL(url);
  const deadline = performance.now() + timeoutMs;
  let failure: unknown;
  for (const attempt of tlsAttempts(parsed)) {
    try {
      return await open(withoutTls(parsed), attempt, deadline - performance.now());
    } catch (error) {
      if (!isAboutTls(error)) throw error;
      failure ??= error;
    }
  }
  throw failure;
}

/** Only these make libpq try its second way: no TLS there, or none without it. */
function isAboutTls(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /does not support SSL|no pg_hba\.conf entry|no encryption/.test(error.message);
}

async function open(url: string, ssl: TlsAttempt, timeoutMs: number): Promise<Connection> {
  // Our own socket, for pg has no way to hang up on a server that does not answer.
  const socket = new Socket();
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
  // Without a listener a lost connection would end the process; whoever holds it sees `ended`.
  client.on('error', () => socket.destroy());
  try {
    await within('Connecting', timeoutMs, client.connect());
    const version = await readOne(client, 'SHOW server_version_num', timeoutMs);
    return new OpenConnection({ client, socket, ended, version: Number(version) });
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

interface Parts {
  readonly client: Client;
  readonly socket: Socket;
  readonly ended: Promise<void>;
  readonly version: number;
}

class OpenConnection implements Connection {
  readonly version: number;
  readonly ended: Promise<void>;
  readonly #client: Client;
  readonly #socket: Socket;

  constructor({ client, socket, ended, version }: Parts) {
    this.#client = client;
    this.#socket = socket;
    this.ended = ended;
    this.version = version;
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  async readOne(sql: string, timeoutMs: number): Promise<string> {
    try {
      return await readOne(this.#client, sql, timeoutMs);
    } catch (error) {
      // A failed transaction block, or an answer still to come: this session is of no more use.
      this.#socket.destroy();
      throw error;
    }
  }

  close(): void {
    this.#client.end().catch(() => undefined); // it was gone already
    const hangUp = setTimeout(() => this.#socket.destroy(), 200);
    this.#socket.once('close', () => clearTimeout(hangUp));
  }
}

const Result = z.object({ rows: z.array(z.record(z.string(), z.unknown())) });

async function readOne(client: Client, sql: string, timeoutMs: number): Promise<string> {
  const answer: unknown = await within('The look', timeoutMs, client.query(sql));
  const results = z.array(Result).parse(Array.isArray(answer) ? answer : [answer]);
  const row = results.flatMap(({ rows }) => rows)[0] ?? {};
  return z.string().parse(Object.values(row)[0]);
}

async function within<T>(what: string, timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PostgresTimeout(what, timeoutMs)), Math.max(1, timeoutMs));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined); // the late answer of a connection we hung up on
  }
}
