import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { startCluster } from '../../support/clusters.ts';
import { Sessions } from '../../support/sessions.ts';
import { dbconnRoles } from './night.ts';

/** A server of its own with dbconn's roles, and the clients on it. */
export interface NightServer {
  readonly cluster: Cluster;
  readonly sessions: Sessions;
  close(): Promise<void>;
}

export async function startNightServer(
  options: Parameters<typeof startCluster>[0],
): Promise<NightServer> {
  const cluster = await startCluster(options);
  const sessions = new Sessions(cluster);
  for (const role of dbconnRoles) await sessions.ask(role);
  return {
    cluster,
    sessions,
    close: async () => {
      await sessions.close();
      await cluster.close();
    },
  };
}
