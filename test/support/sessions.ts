import { Client } from 'pg';
import type { QueryResultRow } from 'pg';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { until } from './until.ts';

export interface SessionOptions {
  /** Instead of user and database: with a password. */
  readonly url?: string;
  readonly user?: string;
  readonly application?: string;
  readonly database?: string;
}

/** One client of the scene, with the pid it has on the server. */
export interface Session {
  readonly pid: number;
  readonly client: Client;
  run(...statements: readonly string[]): Promise<void>;
  /** Sends a statement that will wait; it ends with the scene. */
  begin(statement: string): void;
}

/** The clients of one scene; `close` ends them all, and waits until the server has seen it. */
export class Sessions {
  readonly #cluster: Cluster;
  readonly #open = new Set<Client>();
  readonly #admin: Promise<Client>;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#admin = this.#connect({ application: 'truth' });
  }

  /** Asks as a superuser, on one connection kept for it. */
  async ask<T extends QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<T[]> {
    const admin = await this.#admin;
    const { rows } = await admin.query<T>(sql, [...values]);
    return rows;
  }

  async open(options: SessionOptions = {}): Promise<Session> {
    const client = await this.#connect(options);
    this.#open.add(client);
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    return {
      pid: rows[0]?.pid ?? 0,
      client,
      async run(...statements) {
        for (const statement of statements) await client.query(statement);
      },
      begin(statement) {
        client.query(statement).catch(() => undefined); // ended with the scene
      },
    };
  }

  async openMany(count: number, options: SessionOptions = {}): Promise<Session[]> {
    const sessions: Session[] = [];
    while (sessions.length < count) {
      const batch = Math.min(20, count - sessions.length);
      const opened = Array.from({ length: batch }, () => this.open(options));
      sessions.push(...(await Promise.all(opened)));
    }
    return sessions;
  }

  /** A walsender: a client of the replication protocol, which is no client backend. */
  async openReplication(): Promise<Client> {
    const url = new URL(this.#cluster.url());
    url.searchParams.set('replication', 'database');
    const client = new Client({ connectionString: url.href });
    client.on('error', () => undefined); // ended by the scene
    await client.connect();
    return client;
  }

  /** Opens sessions until the server refuses one; the number that got in. */
  async takeAllSlots(options: SessionOptions = {}): Promise<number> {
    for (let opened = 0; ; opened += 1) {
      const got = await this.open(options).then(
        () => true,
        () => false,
      );
      if (!got) return opened;
    }
  }

  /** Ends every session of the scene, waiting ones too. */
  async endAll(): Promise<void> {
    const signalled = await this.ask<{ pid: number; since: string }>(
      // Materialized: among the conditions of one WHERE the signal might be tried first, on ourselves too.
      `WITH others AS MATERIALIZED (
         SELECT pid, backend_start::text AS since FROM pg_stat_activity
          WHERE backend_type = 'client backend' AND pid <> pg_backend_pid())
       SELECT pid, since FROM others WHERE pg_terminate_backend(pid)`,
    );
    await Promise.all([...this.#open].map((client) => client.end().catch(() => undefined)));
    this.#open.clear();
    // Only those: dbconn opens its warm connection anew meanwhile, and is right to.
    const identities = signalled.map(({ pid, since }) => `${pid} ${since}`);
    await until('all sessions of the scene are gone', async () => {
      const left = await this.ask(
        `SELECT FROM pg_stat_activity WHERE pid || ' ' || backend_start::text = ANY ($1)`,
        [identities],
      );
      return left.length === 0;
    });
  }

  /** The sessions dbconn has on this server; one left behind after a test is a leak. */
  ownSessions(): Promise<{ pid: number; usename: string }[]> {
    return this.ask(`SELECT pid, usename FROM pg_stat_activity WHERE application_name = 'dbconn'`);
  }

  async close(): Promise<void> {
    await this.endAll();
    await (await this.#admin).end();
  }

  async #connect({ url, user, application, database }: SessionOptions): Promise<Client> {
    const client = new Client({
      connectionString: url ?? this.#cluster.url(user, database),
      application_name: application ?? 'backend',
    });
    client.on('error', () => undefined); // ended by the scene
    await client.connect();
    return client;
  }
}
