import { randomBytes } from 'node:crypto';
import type Docker from 'dockerode';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/timing.ts';
import { connectDocker } from '../../src/docker/connect.ts';
import { ContainerHost } from '../../src/docker/server-host.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { createServerSettings } from '../../src/postgres/privileged/server-settings.ts';
import { takeSnapshotOf } from '../../src/runbook/snapshot/take-snapshot.ts';
import type { Database } from '../../src/runbook/snapshot/ports.ts';
import { createOptionB } from '../../src/runbook/remedies/b-raise-max-connections/raise-max-connections.ts';
import type { Remedy } from '../../src/runbook/remedies/remedy.ts';
import { planFor, recordSteps, runPlan } from '../runbook/remedies/option-b-on-cluster.ts';
import { aService, aTarget } from '../runbook/diagnose/builders.ts';
import { databaseOptions } from '../support/database-options.ts';
import { StubbornClient } from '../support/stubborn-client.ts';
import { runInside } from './run-inside.ts';
import { whyNoEngine } from './engine.ts';
import { eventually } from './eventually.ts';
import { findFreePort } from '../../sandbox/patient/free-port.ts';
import { run } from './stack.ts';
import { runSql } from '../support/sql.ts';

const second = 1_000_000_000;
const autoConf = '/var/lib/postgresql/data/postgresql.auto.conf';

describe.skipIf(await whyNoEngine())('option B on a real container', () => {
  let docker: Docker;
  let project: string;
  let container: Docker.Container;
  let url: string;
  let database: Database;
  let application: StubbornClient;

  afterEach(async () => {
    await application.close();
    await database.close();
    await container.remove({ force: true, v: true });
    await docker.getNetwork(`${project}_default`).remove();
  });

  /** A container as compose makes it: its port is a fixed one, or a restart would move it. */
  async function begin(spec: Partial<Docker.ContainerCreateOptions> = {}): Promise<Remedy> {
    docker = connectDocker(process.env);
    project = `dbconn-test-b-${process.pid}-${randomBytes(3).toString('hex')}`;
    await docker.createNetwork({
      Name: `${project}_default`,
      Labels: { 'com.docker.compose.project': project },
    });
    const port = await findFreePort();
    url = `postgresql://postgres:stack-secret@127.0.0.1:${port}/postgres`;
    const { HostConfig: hostConfig, ...rest } = spec;
    const id = await run(docker, project, {
      service: 'postgres',
      spec: {
        Image: 'dbconn-test/postgres',
        Env: ['POSTGRES_PASSWORD=stack-secret'],
        Cmd: ['postgres', '-c', 'fsync=off'],
        ExposedPorts: { '5432/tcp': {} },
        StopSignal: 'SIGINT',
        Healthcheck: {
          Test: ['CMD', 'pg_isready', '-q', '-h', '127.0.0.1'],
          Interval: second / 2,
          Timeout: 5 * second,
          Retries: 60,
        },
        ...rest,
        HostConfig: {
          Binds: ['/usr:/usr:ro'],
          PortBindings: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
          ...hostConfig,
        },
      },
    });
    container = docker.getContainer(id);
    database = createDatabase(databaseOptions(url));
    application = new StubbornClient(() => url);
    await application.untilOpen();
    return remedyOf();
  }

  function remedyOf(): Remedy {
    const target = aTarget({ services: [aService({ name: 'backend' })] });
    const absent = {
      ok: false,
      tookMs: 0,
      problem: { kind: 'not-configured', summary: 'There is none.' },
    } as const;
    return createOptionB({
      serverSettings: createServerSettings(url),
      serverHost: new ContainerHost({ docker, project, postgresService: 'postgres' }),
      takeSnapshot: () =>
        takeSnapshotOf(
          {
            database,
            services: {
              readServices: () => Promise.resolve(absent),
              readLogs: () => Promise.resolve(absent),
            },
            pools: { readPools: () => Promise.resolve(absent) },
            clock: systemClock,
          },
          target,
        ),
      clock: systemClock,
      target,
      silentForMs: 60_000,
      returnWithinMs: 30_000,
    });
  }

  async function inForce(): Promise<string> {
    const [row] = await runSql<{ max_connections: string }>(url, 'SHOW max_connections');
    return row?.max_connections ?? '';
  }

  const inside = (command: string): Promise<string> => runInside(container, command);
  const startedAt = async (): Promise<string> => (await container.inspect()).State.StartedAt;

  test('raises the value, restarts the container and leaves no copy, also where SIGTERM would wait for clients', async () => {
    const remedy = await begin({ StopSignal: 'SIGTERM' });
    const before = await startedAt();
    const owner = await inside(`stat -c '%u:%g %a' ${autoConf}`);
    const plan = await planFor(remedy);
    expect(plan.title).toBe('Raise max_connections from 100 to 150 with a restart');
    expect(plan.steps[3]).toContain(`${project}-postgres-1`);
    const { control, steps } = recordSteps();
    const report = await runPlan(remedy, plan, control);
    expect(report).toMatchObject({ finished: true, items: [{ outcome: 'set' }] });
    expect(report.summary).toContain('max_connections is 150. backend 1 session');
    expect(await inForce()).toBe('150');
    expect(await startedAt()).not.toBe(before);
    // A kill would have been 137.
    expect(await inside('ls /var/lib/postgresql/data')).not.toContain('.dbconn-');
    expect(await inside(`stat -c '%u:%g %a' ${autoConf}`)).toBe(owner);
    expect(JSON.stringify(steps)).not.toContain('stack-secret');
    const log = await container.logs({ stdout: true, stderr: true });
    expect(log.toString('utf8')).not.toContain('not properly shut down');
  });

  test('puts the old file back where the engine starts a container again and again that cannot boot', async () => {
    const remedy = await begin({ HostConfig: { RestartPolicy: { Name: 'unless-stopped' } } });
    const owner = await inside(`stat -c '%u:%g %a' ${autoConf}`);
    // An edit that nobody restarted for: with many connections it asks for 160 GB of locks.
    await inside(
      "echo 'max_locks_per_transaction = 20000' >> /var/lib/postgresql/data/postgresql.conf",
    );
    const plan = await planFor(remedy, 20_000);
    const report = await runPlan(remedy, plan, recordSteps().control);
    expect(report).toMatchObject({ finished: false, items: [{ outcome: 'put back' }] });
    expect(report.summary).toContain('there is not enough shared memory');
    expect(report.summary).toContain('PostgreSQL runs with max_connections = 100.');
    expect(report.items[0]?.lines.join('\n')).toContain('could not map anonymous shared memory');
    expect(await inForce()).toBe('100');
    expect(await inside(`stat -c '%u:%g %a' ${autoConf}`)).toBe(owner);
    expect(await inside('ls /var/lib/postgresql/data')).not.toContain('.dbconn-');
    await eventually(
      () => container.inspect(),
      ({ State: state, RestartCount: restarts }) =>
        state.Health?.Status === 'healthy' && restarts === 0,
    );
  });

  test('reads the limit of the container, and refuses what cannot fit into it', async () => {
    const remedy = await begin({ HostConfig: { Memory: 512 * 1024 * 1024 } });
    const ask = { kind: 'raise-max-connections', to: 20_000 } as const;
    expect(await remedy.propose(ask)).toMatchObject({
      refusal: {
        kind: 'memory',
        why: expect.stringContaining('only 512 MB is available') as unknown,
      },
    });
    const plan = await planFor(remedy, 120);
    expect(plan.cost.join('\n')).toContain('of 512 MB available');
  });
});
