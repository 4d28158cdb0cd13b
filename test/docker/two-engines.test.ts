import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openTargets } from '../../src/app/target-adapters.ts';
import type { TargetSet } from '../../src/app/target-adapters.ts';
import { toApprovalTarget } from '../../src/app/target-remedies.ts';
import { readConfig } from '../../src/config/config.ts';
import { connectDocker } from '../../src/docker/connect.ts';
import type { Snapshot } from '../../src/runbook/snapshot/snapshot.ts';
import type { Plan } from '../../src/runbook/remedies/plan.ts';
import { systemClock } from '../../src/timing.ts';
import { recordSteps } from '../runbook/remedies/option-b-on-cluster.ts';
import { useServer } from '../support/server.ts';
import { whyNoEngine } from './engine.ts';
import { removeContainers, startSecondEngine, whyNoSecondEngine } from './second-engine.ts';
import type { SecondEngine } from './second-engine.ts';
import { run } from './stack.ts';

const whyNot = (await whyNoEngine()) ?? whyNoSecondEngine();

describe.skipIf(whyNot)('two Docker engines with projects of one name', () => {
  const server = useServer();
  const project = `dbconn-test-${process.pid}-${randomBytes(3).toString('hex')}`;
  const folder = mkdtempSync(join(tmpdir(), 'dbconn-two-'));
  const here = connectDocker(process.env);
  let second: SecondEngine;
  beforeAll(async () => {
    second = await startSecondEngine();
    for (const number of [1, 2]) await sleeper(here, number);
    for (const number of [1, 2, 3]) await sleeper(second.docker, number);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await removeContainers(here, { label: [`com.docker.compose.project=${project}`] });
    await second.close();
  });

  const sleeper = (docker: Docker, number: number): Promise<string> =>
    run(docker, project, {
      service: 'backend',
      number,
      spec: {
        Image: 'dbconn-test/backend',
        Env: ['DATABASE_POOL_SIZE=5', 'DATABASE_MAX_OVERFLOW=10'],
        Cmd: ['sh', '-c', 'trap "exit 0" TERM; while :; do sleep 1 & wait; done'],
        HostConfig: { Binds: ['/usr:/usr:ro'], NetworkMode: 'bridge' },
      },
      isAlone: true,
    });

  async function idsOf(docker: Docker): Promise<string[]> {
    const filters = { label: [`com.docker.compose.project=${project}`] };
    return (await docker.listContainers({ all: true, filters })).map(({ Id: id }) => id).toSorted();
  }

  async function startsOf(docker: Docker): Promise<string[]> {
    const ids = await idsOf(docker);
    return Promise.all(
      ids.map(async (id) => (await docker.getContainer(id).inspect()).State.StartedAt),
    );
  }

  /** Both targets by one dbconn.yml; the second one on the engine that is said. */
  async function withTargets<T>(docker: object, work: (set: TargetSet) => Promise<T>): Promise<T> {
    const path = join(folder, 'dbconn.yml');
    const target = (name: string, database: string, own?: object): object => ({
      name,
      database: { url: server.cluster.url('postgres', database) },
      compose: { project, ...(own !== undefined && { docker: own }) },
      services: [{ name: 'backend' }],
    });
    const targets = [target('here', 'postgres'), target('there', 'template1', docker)];
    writeFileSync(path, JSON.stringify({ targets }));
    const environment = { ...process.env, DOCKER_CONFIG: second.dockerConfig };
    const set = await openTargets(readConfig(environment, path), { clock: systemClock });
    try {
      return await work(set);
    } finally {
      await set.monitor.close();
    }
  }

  const replicasOf = ({ services }: Snapshot): string[] =>
    services.ok ? (services.value.services[0]?.replicas ?? []).map(({ id }) => id) : [];

  const shortIdsOf = async (docker: Docker): Promise<string[]> =>
    (await idsOf(docker)).map((id) => id.slice(0, 12));

  const ways: readonly (readonly [string, () => Promise<object>])[] = [
    ['its socket', () => Promise.resolve({ host: `unix://${second.socketPath}` })],
    ['its port, with TLS', () => Promise.resolve({ host: second.tcp, tls: second.tls })],
    ['a context of the docker command', createContext],
  ];

  /** As an operator does, with the real command. */
  async function createContext(): Promise<object> {
    const { tcp, tls, dockerConfig } = second;
    const endpoint = `host=${tcp},ca=${tls.ca},cert=${tls.cert},key=${tls.key}`;
    const environment = { ...process.env, DOCKER_CONFIG: dockerConfig };
    await promisify(execFile)('docker', ['context', 'create', 'db2', '--docker', endpoint], {
      env: environment,
    });
    return { context: 'db2' };
  }

  test.for(ways)('each target sees its own containers: by %s', async ([, way]) => {
    await withTargets(await way(), async ({ targetAdapters }) => {
      const looks = targetAdapters.map((adapters) =>
        toApprovalTarget(adapters, parts).takeSnapshot(),
      );
      const [near, far] = (await Promise.all(looks)).map(replicasOf);
      expect(near?.toSorted()).toEqual(await shortIdsOf(here));
      expect(far?.toSorted()).toEqual(await shortIdsOf(second.docker));
      expect(far).toHaveLength(3);
    });
  });

  const parts = { clock: systemClock, refusedServices: [], refusedContainers: [] };

  test('option C restarts the replicas of its own engine, and those of the same names elsewhere run on', async () => {
    await withTargets({ host: second.tcp, tls: second.tls }, async ({ targetAdapters }) => {
      const [, there] = targetAdapters.map((adapters) => toApprovalTarget(adapters, parts));
      const remedy = there?.remedies.find(({ option }) => option === 'C');
      const drafted = await remedy?.propose({ kind: 'restart', service: 'backend' });
      if (remedy === undefined || drafted?.ok !== true) throw new Error('Nothing was proposed.');
      const plan: Plan = { ...drafted.value, policyVersion: 'test', plannedAt: '' };
      const [near, far] = [await startsOf(here), await startsOf(second.docker)];
      const { left } = await remedy.recheck(plan);
      const report = await remedy.run(plan, left, recordSteps().control);
      expect(report.items.map(({ outcome }) => outcome)).toEqual(Array(3).fill('restarted'));
      expect(await startsOf(here)).toEqual(near);
      const after = await startsOf(second.docker);
      expect(after.filter((startedAt) => far.includes(startedAt))).toEqual([]);
    });
  });

  test('option E recreates a container of its own engine, and leaves its namesake alone', async () => {
    await withTargets({ host: `unix://${second.socketPath}` }, async ({ targetAdapters }) => {
      const [, there] = targetAdapters;
      const [near, name] = [await idsOf(here), `${project}-backend-1`];
      const { Id: id } = await second.docker.getContainer(name).inspect();
      const outcome = await there?.poolSettings?.recreateReplica(
        { id, name },
        { environment: { poolSize: 3, maxOverflow: 2 }, healthyWithinMs: 60_000 },
      );
      expect(outcome).toMatchObject({ result: 'recreated' });
      const { Config: config } = await second.docker.getContainer(name).inspect();
      expect(config.Env).toEqual(
        expect.arrayContaining(['DATABASE_POOL_SIZE=3', 'DATABASE_MAX_OVERFLOW=2']),
      );
      expect(await idsOf(here)).toEqual(near);
      expect(await idsOf(second.docker)).not.toContain(id);
    });
  });

  test.for<[string, () => object]>([
    ['the client certificate', () => ({ tls: { ca: second.tls.ca } })],
    ['TLS at all', () => ({})],
  ])(
    'without %s the engine is not reached, and the other target is none the worse',
    async ([, tls]) => {
      await withTargets({ host: second.tcp, ...tls() }, async ({ targetAdapters }) => {
        const [near, far] = await Promise.all(
          targetAdapters.map((adapters) => adapters.services.readServices()),
        );
        expect(near?.ok).toBe(true);
        expect(far).toMatchObject({ ok: false, problem: { kind: 'forbidden' } });
        expect(far?.ok === false && far.problem.fix).toContain('compose.docker.tls');
      });
    },
  );
});
