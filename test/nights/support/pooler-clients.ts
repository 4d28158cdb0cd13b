import { Client } from 'pg';
import { createPoolers } from '../../../src/pgbouncer/poolers.ts';
import type { Poolers } from '../../../src/runbook/snapshot/take-snapshot.ts';
import type { PgBouncer } from '../../../sandbox/patient/pgbouncer.ts';
import { until } from '../../support/until.ts';

interface ClientOptions {
  readonly user: string;
  readonly application: string;
  readonly database?: string;
}

/** The clients of one PgBouncer. What each runs is not waited for: some wait until the scene ends. */
export class PoolerClients {
  readonly #pgbouncer: PgBouncer;
  readonly #open: Client[] = [];

  constructor(pgbouncer: PgBouncer) {
    this.#pgbouncer = pgbouncer;
  }

  async open(many: number, options: ClientOptions, ...statements: string[]): Promise<void> {
    const { user, application, database = 'postgres' } = options;
    const connectionString = this.#pgbouncer.url(user, database);
    for (let opened = 0; opened < many; opened += 1) {
      const client = new Client({ connectionString, application_name: application });
      client.on('error', () => undefined); // ended with the scene
      this.#open.push(client);
      // In session mode it logs in when a connection is free: one that waits is not waited for.
      void run(client, statements);
    }
    // Connected or waiting for it: it is a client of the pooler either way.
    await this.until(
      `${many} more clients are there`,
      ({ clients }) => clients >= this.#open.length,
    );
  }

  /** How it looks from the console. */
  async until(
    what: string,
    isSo: (reading: NonNullable<Awaited<ReturnType<typeof read>>>) => boolean,
  ): Promise<void> {
    const poolers = consoleOf(this.#pgbouncer);
    await until(what, async () => {
      const reading = await read(poolers);
      return reading !== undefined && isSo(reading);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#open.splice(0).map((client) => client.end().catch(() => undefined)));
  }
}

async function run(client: Client, statements: readonly string[]): Promise<void> {
  try {
    await client.connect();
    for (const statement of statements) await client.query(statement);
  } catch {
    // The pooler ended with the scene.
  }
}

export function consoleOf(pgbouncer: PgBouncer, name = 'PgBouncer', replicas = 1): Poolers {
  const url = pgbouncer.url('stats', 'pgbouncer');
  return createPoolers({ consoles: [{ name, url, replicas }] });
}

async function read(poolers: Poolers) {
  const part = await poolers.readPoolers();
  return part.ok ? part.value[0]?.reading : undefined;
}
