import { startCluster } from '../sandbox/patient/cluster.ts';
import type { Cluster } from '../sandbox/patient/cluster.ts';
import { holdCrowd } from './held.ts';
import type { HeldCrowd } from './held.ts';

/** Servers with some load on each: idle sessions, and a few that wait for one row. */
export interface LoadedServers {
  readonly clusters: readonly Cluster[];
  close(): Promise<void>;
}

export async function startLoadedServers(majors: readonly number[]): Promise<LoadedServers> {
  const clusters: Cluster[] = [];
  const crowds: HeldCrowd[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(crowds.map((crowd) => crowd.release()));
    await Promise.all(clusters.map((cluster) => cluster.close()));
  };
  try {
    for (const major of majors) {
      const settings = { max_connections: 300, shared_buffers: '32MB' };
      const cluster = await startCluster({ major, settings });
      clusters.push(cluster);
      crowds.push(await holdCrowd(cluster.url(), 120, 5));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { clusters, close };
}
