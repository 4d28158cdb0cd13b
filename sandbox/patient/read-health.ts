import type { ReplicaReading } from '../../src/runbook/snapshot/snapshot.ts';
import type { BackendProcess } from './backend-process.ts';

const healthTimeoutMs = 1000;

/** What a container's health check of /healthz would say now; `none` when the process does not run. */
export async function readHealth(replica: BackendProcess): Promise<ReplicaReading['health']> {
  if (!replica.running) return 'none';
  try {
    const response = await fetch(`${replica.url}/healthz`, {
      signal: AbortSignal.timeout(healthTimeoutMs),
      headers: { connection: 'close' },
    });
    await response.text();
    return response.ok ? 'healthy' : 'unhealthy';
  } catch {
    return 'unhealthy'; // no answer in time is what a health check would call it
  }
}
