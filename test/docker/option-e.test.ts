import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/timing.ts';
import {
  create,
  readImageId,
  rename,
  inspectContainer,
  start,
  stop,
} from '../../src/docker/recreate/engine-calls.ts';
import { toRecreateSpec } from '../../src/docker/recreate/container-spec.ts';
import type { Recreatable } from '../../src/docker/recreate/container-spec.ts';
import { createPoolSettings } from '../../src/docker/recreate/resize-pools.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { createApprovals } from '../../src/runbook/approvals/approvals.ts';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';
import { defaultPolicy } from '../../src/runbook/approvals/policy.ts';
import type { Actor, ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import type { PoolSettings } from '../../src/runbook/remedies/e-resize-pool/ports.ts';
import type { RemedyRequest } from '../../src/runbook/remedies/remedy-request.ts';
import type { ServiceConfig } from '../../src/runbook/snapshot/target.ts';
import { createOptionE } from '../../src/runbook/remedies/e-resize-pool/resize-pool.ts';
import { allMembers } from '../support/people.ts';
import { makeJournalFolder } from '../journal/temporary-journal.ts';
import type { JournalFolder } from '../journal/temporary-journal.ts';
import { optionPolicy } from '../support/option-policy.ts';
import { createStackMonitor, findCanary } from './stack-monitor.ts';
import type { StackMonitor } from './stack-monitor.ts';
import { whyNoEngine } from './engine.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';

const proposer: Actor = { id: 'UANN', via: 'slack' };
const approver: Actor = { id: 'UBOB', via: 'slack' };
const envText = [
  '# The shop',
  'export POSTGRES_PASSWORD="stack-secret"  # do not tell',
  'DATABASE_POOL_SIZE=5 # per process',
  'DATABASE_MAX_OVERFLOW=10',
  '',
].join('\r\n');

/** A stack whose containers are found by their labels: those that are made anew have other ids. */
async function startFoundStack(backendEnv: Readonly<Record<string, string>>): Promise<Stack> {
  const stack = await startStack({ replicas: 2, maxConnections: 60, backendEnv });
  const backendUrls = async (): Promise<readonly string[]> => {
    const found = await backends(stack);
    const ports = found.map((one) => one.NetworkSettings.Ports['8000/tcp']?.[0]?.HostPort);
    return ports.flatMap((port) => (port === undefined ? [] : [`http://127.0.0.1:${port}`]));
  };
  return { ...stack, backendUrls };
}

/** The backend's containers, running or not, by name. */
async function backends({
  docker,
  project,
}: Stack): Promise<Awaited<ReturnType<ReturnType<Stack['docker']['getContainer']>['inspect']>>[]> {
  const label = [`com.docker.compose.project=${project}`, 'com.docker.compose.service=backend'];
  const listed = await docker.listContainers({ all: true, filters: { label } });
  const found = await Promise.all(listed.map(({ Id }) => docker.getContainer(Id).inspect()));
  return found.toSorted((a, b) => a.Name.localeCompare(b.Name));
}

function numbersOf(one: { Config: { Env: string[] } }): string[] {
  return one.Config.Env.filter((entry) => /^DATABASE_(POOL_SIZE|MAX_OVERFLOW)=/.test(entry));
}

describe.skipIf(await whyNoEngine())('option E on a real engine', () => {
  let stack: Stack;
  let monitor: StackMonitor;
  let directory: string;
  let envFile: string;
  let settings: PoolSettings;
  let folder: JournalFolder;
  let journal: StoredJournal;
  let approvals: Approvals;
  let faults: unknown[];
  beforeEach(async () => {
    faults = [];
    folder = makeJournalFolder();
    journal = await folder.open();
    directory = mkdtempSync(join(tmpdir(), 'dbconn-project-'));
    envFile = join(directory, '.env');
    writeFileSync(envFile, envText);
    chmodSync(envFile, 0o640);
  });
  afterEach(async () => {
    await approvals.drain();
    try {
      await monitor.close();
    } finally {
      await stack.close();
      folder.close();
      rmSync(directory, { recursive: true });
    }
    if (faults.length > 0) throw new AggregateError(faults, 'An execution broke.');
  });

  async function begin(
    backendEnv: Readonly<Record<string, string>> = {},
    services: readonly ServiceConfig[] = [{ name: 'backend', workers: 1 }],
  ): Promise<void> {
    stack = await startFoundStack(backendEnv);
    monitor = createStackMonitor(stack, { services });
    settings = createPoolSettings({ services, docker: stack.docker, directory });
    const remedies = [
      createOptionE({
        poolSettings: settings,
        takeSnapshot: () => monitor.takeSnapshot(),
        clock: systemClock,
        target: monitor.target,
        refusedServices: [],
        refusedContainers: [],
        healthyWithinMs: 60_000,
        calmWithinMs: 30_000,
        shownWithinMs: 15_000,
      }),
    ];
    approvals = createApprovals({
      people: allMembers,
      journal,
      approvalTargets: [
        {
          name: 'shop',
          remedies,
          takeSnapshot: () => monitor.takeSnapshot(),
          warningUtilisation: 0.8,
        },
      ],
      policy: {
        ...defaultPolicy,
        options: { E: { ...optionPolicy, approvers: [approver.id] } },
      },
      clock: systemClock,
      verifyAfterMs: 500,
      onChange: () => undefined,
      onFault: (_id, error) => void faults.push(error),
    });
  }

  async function resize(ask: RemedyRequest): Promise<ApprovalRequest> {
    const proposed = await approvals.propose({ target: 'shop', ask, actor: proposer });
    if (!proposed.ok) throw new Error(`${proposed.refusal.why} ${proposed.refusal.next}`);
    expect(await approvals.approve(proposed.value.id, approver)).toMatchObject({ ok: true });
    const settled = await approvals.settled(proposed.value.id);
    if (!settled.ok) throw new Error(settled.refusal.why);
    return settled.value;
  }

  test('makes both containers anew with smaller pools, proves it, and takes it back by the plan’s own undo', async () => {
    await begin();
    const before = await backends(stack);
    const ended = await resize({
      kind: 'resize-pool',
      service: 'backend',
      size: { poolSize: 4, maxOverflow: 2 },
    });
    expect(ended.result?.report).toMatchObject({
      finished: true,
      summary: 'Of 2 containers: 2 recreated. Its containers and its pool metrics show 4 + 2.',
    });
    const after = await backends(stack);
    expect(after.map(({ Name }) => Name)).toEqual(before.map(({ Name }) => Name));
    expect(after.map(numbersOf)).toEqual(
      Array.from({ length: 2 }, () => ['DATABASE_POOL_SIZE=4', 'DATABASE_MAX_OVERFLOW=2']),
    );
    for (const [index, one] of after.entries()) {
      const old = before[index];
      expect(one.Id).not.toBe(old?.Id);
      const { Hostname: _new, Env: _numbers, ...config } = one.Config;
      expect(old?.Config).toMatchObject(config);
      expect(one.HostConfig).toEqual(old?.HostConfig);
      expect(Object.keys(one.NetworkSettings.Networks)).toEqual([`${stack.project}_default`]);
    }
    expect(readFileSync(envFile, 'utf8')).toBe(
      envText.replace('SIZE=5', 'SIZE=4').replace('OVERFLOW=10', 'OVERFLOW=2'),
    );
    expect(statSync(envFile).mode & 0o777).toBe(0o640);
    expect(readdirSync(directory)).toEqual(['.env']);

    const { undoAsk } = ended.plan;
    expect(undoAsk).toEqual({
      kind: 'resize-pool',
      service: 'backend',
      size: { poolSize: 5, maxOverflow: 10 },
    });
    if (undoAsk === null) throw new Error('It cannot be undone.');
    const undone = await resize(undoAsk);
    expect(undone.result?.report.summary).toContain('pool metrics show 5 + 10');
    expect(readFileSync(envFile, 'utf8')).toBe(envText);
    expect(await journal.verify()).toMatchObject({ ok: true });
    expect(findCanary(JSON.stringify(await journal.entries()))).toBeUndefined();
  });

  test('a value the backend does not start with is put back: old container, old .env, and its last words', async () => {
    await begin({ LARGEST_POOL: '8' });
    const before = await backends(stack);
    const { result } = await resize({
      kind: 'resize-pool',
      service: 'backend',
      size: { poolSize: 9, maxOverflow: 1 },
    });
    const [env, first, second] = result?.report.items ?? [];
    expect(env).toMatchObject({ what: '.env', outcome: 'put back', detail: '.env is as it was.' });
    expect(first).toMatchObject({ what: `${stack.project}-backend-1`, outcome: 'put back' });
    expect(first?.detail).toContain('The old container runs again.');
    expect(first?.lines.join('\n')).toContain(
      'cannot start: the pool is too large for postgresql+psycopg2://…',
    );
    expect(second).toMatchObject({ outcome: 'not reached' });
    expect(result?.report.summary).toContain('The new numbers did not work, and were taken back');
    const after = await backends(stack);
    expect(after.map(({ Id, Name }) => [Id, Name])).toEqual(
      before.map(({ Id, Name }) => [Id, Name]),
    );
    expect(after.map(({ State }) => State.Health?.Status)).toEqual(['healthy', 'healthy']);
    expect(readFileSync(envFile, 'utf8')).toBe(envText);
    expect(readdirSync(directory)).toEqual(['.env']);
    expect(findCanary(JSON.stringify(await journal.entries()))).toBeUndefined();
  });

  test('a variable that the application does not take its pool from is put back, by what the pool’s metrics show', async () => {
    const text = `${envText}WEB_CONNECTIONS=5\r\n`;
    writeFileSync(envFile, text);
    const variables = { size: 'WEB_CONNECTIONS' };
    const web: ServiceConfig = { name: 'backend', workers: 1, variables, maxOverflow: 10 };
    await begin({ WEB_CONNECTIONS: '5' }, [web]);
    const ask = { kind: 'resize-pool', service: 'backend', size: { poolSize: 4 } } as const;
    const { plan, result } = await resize(ask);
    expect(plan.steps).toContain('Write WEB_CONNECTIONS=4 into .env');
    expect(result?.report).toMatchObject({
      finished: false,
      summary:
        'Of 2 containers: 2 put back. Its pool metrics still show 5: the application does not take its pool from there. They were taken back: the containers have 5 + 10 as before.',
    });
    const after = await backends(stack);
    expect(after.map(({ State }) => State.Health?.Status)).toEqual(['healthy', 'healthy']);
    for (const { Config } of after) expect(Config.Env).toContain('WEB_CONNECTIONS=5');
    expect(readFileSync(envFile, 'utf8')).toBe(text);
    expect(readdirSync(directory)).toEqual(['.env']);
  });

  test('whatever step a crash cut it off at, one container is left, and it runs', async () => {
    await begin();
    const { docker, project } = stack;
    const name = `${project}-backend-1`;
    const fresh = { poolSize: 4, maxOverflow: 2 };
    /** The same calls as a recreation makes, up to a point. */
    const stages: ((old: Recreatable) => Promise<void>)[] = [
      async (old) => rename(docker, old.Id, `${name}-dbconn-old-${old.Id.slice(0, 6)}`),
      async (old) => {
        const image = await readImageId(docker, old.Config.Image);
        const variables = { DATABASE_POOL_SIZE: 4, DATABASE_MAX_OVERFLOW: 2 };
        await create(docker, toRecreateSpec(old, variables, image));
      },
      async (old) => stop(docker, old),
      async () => start(docker, name),
    ];
    for (let reached = 0; reached <= stages.length; reached += 1) {
      const { inspected: old } = await inspectContainer(docker, name);
      if (old === null) throw new Error(`There is no ${name} before stage ${reached}.`);
      for (const stage of stages.slice(0, reached)) await stage(old);
      const outcome = await settings.settleReplica({ id: old.Id, name }, 60_000);
      const isNew = reached === stages.length;
      expect({ reached, result: outcome.result }).toEqual({
        reached,
        result: isNew ? 'recreated' : reached === 0 ? 'untouched' : 'put back',
      });
      const left = await backends(stack);
      expect(left.map(({ Name, State }) => [Name, State.Running])).toEqual([
        [`/${name}`, true],
        [`/${project}-backend-2`, true],
      ]);
      expect(left[0]?.Id === old.Id).toBe(!isNew);
      expect(outcome.environment).toEqual(isNew ? fresh : { poolSize: 5, maxOverflow: 10 });
    }
  });
});
