import { Client } from 'pg';
import { createPoolers } from '../../src/pgbouncer/poolers.ts';
import type { Poolers } from '../../src/runbook/snapshot/take-snapshot.ts';
import type { Cluster } from './cluster.ts';
import { startPgBouncer } from './pgbouncer.ts';
import type { PgBouncer } from './pgbouncer.ts';
import { databaseName } from './schema.ts';

interface Queue {
  readonly clients: number;
  readonly waiting: number;
  readonly seconds: number;
}

/** The PgBouncer of a scene. It is there from `start` to `stop`; what reads it finds none otherwise. */
export class SandboxPooler implements Poolers {
  readonly #cluster: Cluster;
  #pgbouncer: PgBouncer | undefined;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** With these settings of pgbouncer.ini. */
  async start(settings: Readonly<Record<string, string | number>>): Promise<void> {
    this.#pgbouncer = await startPgBouncer(
      this.#cluster,
      { admin_users: 'admin', ...settings },
      { users: ['admin', 'app', 'batch'], serverUser: 'as itself' },
    );
  }

  /** Where services reach PostgreSQL through it. */
  url(role: string): string {
    return this.#running().url(role, databaseName);
  }

  readPoolers(): ReturnType<Poolers['readPoolers']> {
    const url = this.#pgbouncer?.url('stats', 'pgbouncer');
    const consoles = url === undefined ? [] : [{ name: 'PgBouncer', url, replicas: 1 }];
    return createPoolers({ consoles }).readPoolers();
  }

  /** Clients now, how many of them wait for a connection to PostgreSQL, and for how long the first of those has. */
  async readQueue(): Promise<Queue> {
    const part = await this.readPoolers();
    const reading = part.ok ? part.value[0]?.reading : undefined;
    if (reading === undefined) throw new Error("PgBouncer's console does not answer.");
    const { clients, clientsWaiting, longestWaitSeconds } = reading;
    return { clients, waiting: clientsWaiting, seconds: longestWaitSeconds };
  }

  /** As its administrator does on the console, in force at once. */
  async set(name: string, value: number): Promise<void> {
    const admin = new Client({ connectionString: this.#running().url('admin', 'pgbouncer') });
    await admin.connect();
    try {
      await admin.query(`SET ${name} = ${value}`);
    } finally {
      await admin.end();
    }
  }

  async stop(): Promise<void> {
    await this.#pgbouncer?.close();
    this.#pgbouncer = undefined;
  }

  #running(): PgBouncer {
    if (this.#pgbouncer === undefined) throw new Error('There is no PgBouncer in this scene.');
    return this.#pgbouncer;
  }
}
