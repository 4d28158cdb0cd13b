import type { Pools } from '../runbook/snapshot/ports.ts';
import { findReplicas } from './replicas.ts';
import type { PoolEndpoint } from './replicas.ts';

/** Time for one endpoint from looking up its name to the last byte; a snapshot waits no longer for its slowest. */
const endpointTimeoutMs = 2000;

interface PoolsOptions {
  readonly endpoints: readonly PoolEndpoint[];
}

/**
 * The applications' pools out of their Prometheus endpoints, all read at once. A name that stands for several
 * replicas is read at each of their addresses. Never throws: what cannot be read is a problem of that endpoint.
 */
export function createPools({ endpoints }: PoolsOptions): Pools {
  return {
    async readPools() {
      const started = performance.now();
      const tookMs = (): number => Math.round(performance.now() - started);
      if (endpoints.length === 0) {
        const summary = 'No pool metrics endpoint is configured.';
        const fix = 'Add the address of the metrics of each service under pools in dbconn.yml.';
        return { ok: false, tookMs: tookMs(), problem: { kind: 'not-configured', summary, fix } };
      }
      // Only now: most of what a snapshot without pools would load is this client.
      const [{ Agent }, { readPools }] = await Promise.all([
        import('undici'),
        import('./read-pools.ts'),
      ]);
      // One connection per read: a kept one would stand in the way of a restart and outlive a drain.
      const agent = new Agent({ pipelining: 0 });
      try {
        const readings = await Promise.all(
          endpoints.map(async (endpoint) => {
            const signal = AbortSignal.timeout(endpointTimeoutMs);
            const replicas = await findReplicas(endpoint.url, signal);
            return Promise.all(
              replicas.map((replica) => readPools(endpoint, { replica, agent, signal })),
            );
          }),
        );
        return { ok: true, tookMs: tookMs(), value: readings.flat() };
      } finally {
        await agent.destroy();
      }
    },
  };
}
