import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { container, containersOf, metricsOf } from './support/containers.ts';
import type { NightOptions } from './support/night.ts';
import { variants } from './support/variants.ts';
import { useNightServer } from './support/night-server.ts';
import { diagnoseOnce } from './support/night.ts';

/** Night 22: replicas of one service with different pools. The budget is the sum of what each may open. */
const server = useNightServer({ settings: { max_connections: 60 } });
afterEach(() => server.sessions.endAll());

async function look(options: NightOptions): Promise<Diagnosis> {
  return diagnoseOnce(server.cluster, options);
}

describe.each(variants)(
  'replicas with different pools ($seed)',
  ({ seeded, applications, user }) => {
    const [service] = applications;
    const small = seeded.between(3, 6);
    const large = seeded.between(40, 50);
    const held = seeded.between(8, 12);
    const target = { services: [{ name: service, workers: 1 }] };
    const both = [
      container(`${service}-1`, { number: 1 }),
      container(`${service}-2`, { number: 2 }),
    ];
    const metrics = metricsOf(service, [{ size: small }, { size: large }]);
    const bySize = (size: number, at: number): (typeof both)[number] =>
      container(`${service}-${at}`, {
        number: at,
        pool: {
          size,
          maxOverflow: 0,
          timeoutSeconds: null,
          recycleSeconds: null,
          prePing: null,
        },
      });
    const ways: readonly (readonly [string, NightOptions])[] = [
      [
        'their environments',
        { services: containersOf({ [service]: [bySize(small, 1), bySize(large, 2)] }) },
      ],
      [
        'their metrics and containers',
        { services: containersOf({ [service]: both }), pools: metrics },
      ],
      ['their metrics alone', { pools: metrics }],
    ];

    beforeAll(() => server.sessions.ask(`CREATE ROLE ${user} LOGIN`));

    test.each(ways)('may open the sum of both, by %s', async (_, options) => {
      await server.sessions.openMany(held, { user, application: service });
      const { state, budget, causes, findings } = await look({ ...options, target });
      expect(state).toBe('fine');
      expect(causes).toEqual([]);
      expect(budget.lines).toMatchObject([
        { service, replicas: 2, mayOpen: small + large, holds: held },
      ]);
      expect(budget.mayOpen).toBe(small + large + (budget.others ?? 0));
      const said = JSON.stringify(findings);
      expect(said).not.toContain(`may open ${small * 2} `);
      expect(said).not.toContain(`= ${small * 2}`);
    });

    test.each(ways)(
      'are not over budget with what only the larger one may hold, by %s',
      async (_, options) => {
        await server.sessions.openMany(small * 2 + 3, { user, application: service });
        const { findings } = await look({ ...options, target });
        expect(findings.map(({ id }) => id)).not.toContain('service-over-budget');
      },
    );
  },
);
