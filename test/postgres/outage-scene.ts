import { expect } from 'vitest';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import type { DatabaseSnapshot } from '../../src/runbook/snapshot/snapshot.ts';
import type { Database } from '../../src/runbook/snapshot/ports.ts';
import { startCluster } from '../support/clusters.ts';
import { databaseOptions } from '../support/database-options.ts';
import { Sessions } from '../support/sessions.ts';
import { until } from '../support/until.ts';

/** Of whoever is asked to log in with one. */
export const password = 'hunter2-hunter2';

/** A server that gets into trouble, and dbconn looking at it. */
export class OutageScene {
  readonly cluster: Cluster;
  readonly sessions: Sessions;
  readonly #databases = new Set<Database>();
  readonly #others = new Set<Cluster>();

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.sessions = new Sessions(cluster);
  }

  static async start(): Promise<OutageScene> {
    const scene = new OutageScene(
      await startCluster({
        settings: { max_connections: 20 },
        hba: ['host all secured 127.0.0.1/32 scram-sha-256', 'host all barred 127.0.0.1/32 reject'],
      }),
    );
    for (const role of ['dbconn', 'app', 'secured', 'barred', '"who is ""this"""']) {
      await scene.sessions.ask(`CREATE ROLE ${role} LOGIN`);
    }
    await scene.sessions.ask('GRANT pg_monitor TO dbconn');
    await scene.sessions.ask(`ALTER ROLE secured PASSWORD 'another'`);
    return scene;
  }

  /** After each test: nothing of it is left. */
  async clear(): Promise<void> {
    await this.cluster.thaw();
    await Promise.all([...this.#databases].map((database) => database.close()));
    this.#databases.clear();
    await until('no session of dbconn is left', async () => {
      return (await this.sessions.ownSessions()).length === 0;
    });
    await this.sessions.endAll();
    await Promise.all([...this.#others].map((other) => other.close()));
    this.#others.clear();
  }

  async close(): Promise<void> {
    await this.sessions.close();
    await this.cluster.close();
  }

  /** A server of one test's own. */
  async startAnother(): Promise<Cluster> {
    const other = await startCluster();
    this.#others.add(other);
    return other;
  }

  open(url: string, more: Parameters<typeof databaseOptions>[1] = {}): Database {
    const database = createDatabase(databaseOptions(url, more));
    this.#databases.add(database);
    return database;
  }

  async warmOne(url = this.cluster.url('dbconn')): Promise<Database> {
    const database = this.open(url);
    const { via } = (await look(database)).reach;
    if (via !== 'connection') throw new Error(`It was reached by ${via}.`);
    return database;
  }
}

/** No answer gives a secret away. */
export async function look(database: Database): Promise<DatabaseSnapshot> {
  const answer = await database.readSnapshot();
  expect(JSON.stringify(answer.reach)).not.toMatch(/hunter2|127\.0\.0\.1|postgres:\/\//);
  return answer;
}
