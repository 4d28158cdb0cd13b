import { describe, expect, test } from 'vitest';
import { useStackMonitor } from './stack-monitor.ts';
import { whyNoEngine } from './engine.ts';
import { eventually } from './eventually.ts';

/** Keeps so many requests running at a time until it is ended. */
function press(url: string, requests: number): { end(): Promise<void> } {
  const bell = new AbortController();
  const visitors = Array.from({ length: requests }, async () => {
    while (!bell.signal.aborted) await (await fetch(url)).text();
  });
  return {
    async end() {
      bell.abort();
      await Promise.all(visitors);
    },
  };
}

describe.skipIf(await whyNoEngine())(
  'the pools of a backend against the slots of its server',
  () => {
    const { stack, monitor } = useStackMonitor(
      {
        maxConnections: 30,
        backendEnv: { DATABASE_POOL_SIZE: '2', DATABASE_MAX_OVERFLOW: '1' },
      },
      { limits: { idleInTransactionWarningMs: 1_000 } },
    );

    test('a pool of three is too small for twelve visitors, while the server has room', async () => {
      const crowd = press(`${await stack.backendUrl()}/query?ms=300`, 12);
      try {
        const diagnosis = await eventually(
          () => monitor.diagnose(),
          ({ causes, pools, budget }) =>
            causes[0]?.cause === 'pool-misconfiguration' &&
            pools[0]?.utilisation === 1 &&
            budget.lines[0]?.holds === 3,
        );
        expect(diagnosis.causes[0]?.summary).toBe(
          'The pool of backend is too small: requests wait while PostgreSQL has room.',
        );
        expect(diagnosis.pools).toMatchObject([{ checkedOut: 3, limit: 3 }]);
        expect(diagnosis.budget).toMatchObject({
          usable: 27,
          canExhaust: false,
          lines: [{ replicas: 1, poolSize: 2, maxOverflow: 1, mayOpen: 3 }],
        });
        expect(diagnosis.proposals[0]).toMatchObject({ option: 'E', subject: 'backend' });
      } finally {
        await crowd.end();
      }
    });

    test('four replicas are counted each with the pool of its own environment, and are more than the server bears', async () => {
      const environment = { DATABASE_POOL_SIZE: '6', DATABASE_MAX_OVERFLOW: '1' };
      const grown = { ...environment, DATABASE_POOL_SIZE: '7' };
      await stack.scaleBackend([environment, environment, environment, grown]);
      for (const url of await stack.backendUrls()) {
        await fetch(`${url}/leak?n=6`, { method: 'POST' });
        // Back in the pool, which keeps them open.
        await fetch(`${url}/release`, { method: 'POST' });
      }
      const diagnosis = await eventually(
        () => monitor.diagnose(),
        ({ budget, capacity, pools }) =>
          budget.lines[0]?.holds === 24 && capacity?.byState.idle === 24 && pools.length === 4,
      );
      expect(diagnosis.state).toBe('critical');
      expect(diagnosis.budget).toMatchObject({
        usable: 27,
        others: 1,
        mayOpen: 30,
        canExhaust: true,
        lines: [{ service: 'backend', replicas: 4, workers: 1, mayOpen: 29 }],
      });
      expect(diagnosis.pools.filter(({ limit }) => limit === 7)).toHaveLength(3);
      expect(diagnosis.pools.filter(({ limit }) => limit === 8)).toHaveLength(1);
      expect(diagnosis.causes[0]).toMatchObject({ cause: 'application-scaling' });
    });
  },
);
