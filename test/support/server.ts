import { afterAll, beforeAll } from 'vitest';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { startCluster } from './clusters.ts';
import { current } from './current.ts';
import { Sessions } from './sessions.ts';

/** A server of its own, and the clients on it. */
export interface Server {
  readonly cluster: Cluster;
  readonly sessions: Sessions;
}

/**
 * One that is there while the tests of this file run, or of this `describe`; before them a superuser runs the
 * statements on it.
 */
export function useServer(
  options: Parameters<typeof startCluster>[0] = {},
  statements: readonly string[] = [],
): Server {
  let started: Server | undefined;
  beforeAll(async () => {
    const cluster = await startCluster(options);
    started = { cluster, sessions: new Sessions(cluster) };
    for (const statement of statements) await started.sessions.ask(statement);
  });
  afterAll(async () => {
    await started?.sessions.close();
    await started?.cluster.close();
  });
  return current(() => started);
}
