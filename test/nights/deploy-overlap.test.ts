import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { ReplicaReading } from '../../src/runbook/snapshot/snapshot.ts';
import type { Services } from '../../src/runbook/snapshot/ports.ts';
import { choosePool } from '../../src/runbook/remedies/e-resize-pool/choose-size.ts';
import { gatherEvidence } from '../../src/runbook/diagnose/evidence.ts';
import { container, containersOf } from './support/containers.ts';
import { watch } from './support/night.ts';
import { variants } from './support/variants.ts';
import { useNightServer } from './support/night-server.ts';

/** Night 8: old and new replicas of one service at once, and no slot left, for as long as the deploy takes. */
const server = useNightServer({ settings: { max_connections: 60, reserved_connections: 3 } }, [
  'GRANT pg_use_reserved_connections TO dbconn',
]);

const agoIso = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();

describe.each(variants)('a deploy that is not over ($seed)', ({ seeded, applications, user }) => {
  const [service, other] = applications;
  const old = seeded.between(1, 3);
  const pool = Math.floor(50 / (2 * old));
  const one = (name: string, more: Partial<ReplicaReading> & { number: number }): ReplicaReading =>
    container(name, { pool: poolOf(pool), ...more });
  const target = {
    services: [
      { name: service, workers: 1 },
      { name: other, workers: 1, poolSize: 2, maxOverflow: 0 },
    ],
  };
  const each = Array.from({ length: old }, (_, index) => index + 1);
  const byImage = [
    ...each.map((at) =>
      one(`p-${service}-${at}`, { number: at, imageId: 'aaaaaaaaaaaa', startedAt: agoIso(600) }),
    ),
    ...each.map((at) =>
      one(`p-${service}-${at + old}`, {
        number: at + old,
        imageId: 'bbbbbbbbbbbb',
        startedAt: agoIso(2),
      }),
    ),
  ];
  const byName = [
    ...each.map((at) => one(`${service}-blue-${at}`, { number: at, startedAt: agoIso(600) })),
    ...each.map((at) => one(`${service}-green-${at}`, { number: at, startedAt: agoIso(2) })),
  ];
  const docker = (replicas: readonly ReplicaReading[]): Services =>
    containersOf({ [service]: replicas, [other]: [one(`p-${other}-1`, { number: 1 })] });

  const look = async (services: Services): Promise<Diagnosis> => {
    const monitor = watch(server.cluster, { target, services });
    try {
      const { snapshot, diagnosis, recent, target: seen } = await monitor.runCheck('night');
      const evidence = gatherEvidence({ snapshot, recent, target: seen });
      for (const size of [undefined, { poolSize: pool + 5, maxOverflow: 5 }]) {
        const chosen = choosePool(evidence, service, size);
        if (chosen.ok) {
          const { to, processes } = chosen.value;
          expect((to.poolSize + to.maxOverflow) * processes).toBeLessThan(pool * old * 2);
        }
      }
      return diagnosis;
    } finally {
      await monitor.close();
    }
  };

  beforeAll(() => server.sessions.ask(`CREATE ROLE ${user} LOGIN`));
  beforeEach(async () => {
    await server.sessions.openMany(2, { user, application: other });
    await server.sessions.openMany(pool * old * 2, { user, application: service });
    await server.sessions.takeAllSlots({ user, application: service });
  });
  afterEach(() => server.sessions.endAll());

  test.each([
    ['images', byImage],
    ['names', byName],
  ] as const)(
    'is told by its %s: application scaling while it lasts, and no pool is changed',
    async (_, replicas) => {
      const { state, causes, verdict, findings, proposals, budget } = await look(docker(replicas));
      expect(state).toBe('critical');
      expect(causes[0]?.cause).toBe('application-scaling');
      expect(verdict).toContain(`Old and new replicas of ${service} run at the same time`);
      const found = findings.find(({ id }) => id === 'deploy-overlap');
      expect(found?.summary).toContain(`${old} old replica`);
      expect(found?.fix).toContain(`docker stop ${replicas[0]?.name ?? ''}`);
      expect(found?.fix).not.toContain(replicas.at(-1)?.name);
      expect(proposals.map(({ option }) => option)).not.toContain('E');
      expect(proposals.map(({ option }) => option)).not.toContain('B');
      expect(budget.lines[0]).toMatchObject({ replicas: old * 2, mayOpen: pool * old * 2 });
    },
  );

  test('starts minutes apart are evidence, and E never opens more than it closes', async () => {
    const replicas = each.flatMap((at) => [
      one(`p-${service}-${at}`, { number: at, startedAt: agoIso(600) }),
      one(`p-${service}-${at + old}`, { number: at + old, startedAt: agoIso(2) }),
    ]);
    const { findings, proposals } = await look(docker(replicas));
    const found = findings.find(({ id }) => id === 'deploy-overlap');
    expect(found?.evidence.join(' ')).toContain('minutes apart');
    const resizes = proposals.filter(({ option }) => option === 'E');
    for (const { slotsFreed } of resizes) expect(slotsFreed).toBeGreaterThan(0);
  });

  test('once the old ones are gone it is over', async () => {
    await server.sessions.endAll();
    await server.sessions.openMany(pool * old, { user, application: service });
    const { state, causes, findings } = await look(docker(byImage.slice(old)));
    expect(state).toBe('fine');
    expect(causes).toEqual([]);
    expect(findings.map(({ id }) => id)).not.toContain('deploy-overlap');
  });
});

function poolOf(size: number): ReplicaReading['pool'] {
  return { size, maxOverflow: 0, timeoutSeconds: null, recycleSeconds: null, prePing: null };
}
