import { afterAll, beforeAll } from 'vitest';
import { systemClock } from '../../src/timing.ts';
import { execPsql } from '../../src/docker/exec-psql.ts';
import { DockerServices } from '../../src/docker/services.ts';
import { createPools } from '../../src/pool-metrics/pools.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { Snapshot } from '../../src/runbook/snapshot/snapshot.ts';
import { takeSnapshotOf } from '../../src/runbook/snapshot/take-snapshot.ts';
import type { Database, Pools } from '../../src/runbook/snapshot/ports.ts';
import { createTargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import type { TargetAdapters } from '../../src/runbook/loop/target-monitor.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import type { Limits, ServiceConfig, Target } from '../../src/runbook/snapshot/target.ts';
import { current } from '../support/current.ts';
import { passwords, startStack } from './stack.ts';
import type { Stack, StackOptions } from './stack.ts';
import { databaseOptions } from '../support/database-options.ts';

interface StackMonitorOptions {
  readonly limits?: Partial<Limits>;
  readonly services?: readonly ServiceConfig[];
  /** Whether dbconn may run psql in the PostgreSQL container. */
  readonly exec?: boolean;
  /** dbconn's DSN, where it is not the looking role's. */
  readonly url?: string;
}

/** dbconn as it is installed beside a stack: every adapter is the one the bot uses. */
export interface StackMonitor {
  readonly target: Target;
  takeSnapshot(): Promise<Snapshot>;
  diagnose(): Promise<Diagnosis>;
  /** Throws when anything it ever said holds a password of the stack or a literal of the backend. */
  close(): Promise<void>;
}

/** A stack and dbconn beside it, while the tests of a `describe` run. */
export function useStackMonitor(
  stackOptions: StackOptions,
  options: StackMonitorOptions = {},
): { readonly stack: Stack; readonly monitor: StackMonitor } {
  let stack: Stack | undefined;
  let monitor: StackMonitor | undefined;
  beforeAll(async () => {
    stack = await startStack(stackOptions);
    monitor = createStackMonitor(stack, options);
  });
  afterAll(async () => {
    try {
      await monitor?.close();
    } finally {
      await stack?.close();
    }
  });
  return { stack: current(() => stack), monitor: current(() => monitor) };
}

/** What must never come out: the passwords, and the literals backend.py puts into statements and logs. */
const canaries = [...passwords, 'leaked-literal', 'logged-literal', 'hunter2'] as const;

/** The secret that a text holds, or undefined. */
export function findCanary(text: string): string | undefined {
  return canaries.find((canary) => text.includes(canary));
}

export function createStackMonitor(stack: Stack, options: StackMonitorOptions = {}): StackMonitor {
  const target = toTarget(options);
  const patient: TargetAdapters = {
    target,
    database: toDatabase(stack, target, options),
    services: new DockerServices({
      docker: stack.docker,
      project: stack.project,
      services: target.services,
      postgresService: 'postgres',
      logTail: 200,
      clock: systemClock,
    }),
    pools: toPools(stack),
  };
  const monitor = createTargetMonitor([patient], systemClock);
  const said: string[] = [];
  const note = <T>(value: T): T => {
    said.push(JSON.stringify(value));
    return value;
  };
  return {
    target,
    takeSnapshot: async () =>
      note(await takeSnapshotOf({ ...patient, clock: systemClock }, target)),
    diagnose: async () => note(await monitor.diagnose(target.name)),
    async close() {
      await monitor.close();
      const canary = findCanary(said.join('\n'));
      if (canary !== undefined) throw new Error(`dbconn gave away "${canary}".`);
    },
  };
}

function toTarget({ limits, services }: StackMonitorOptions): Target {
  return {
    name: 'shop',
    services: services ?? [{ name: 'backend', workers: 1 }],
    postgresService: 'postgres',
    applicationRoles: [],
    protectedApplications: [],
    limits: { ...defaultLimits, ...limits },
    links: { guides: [] },
    contacts: {},
  };
}

function toDatabase(stack: Stack, target: Target, { exec, url }: StackMonitorOptions): Database {
  const psql = execPsql(stack.docker, {
    project: stack.project,
    postgresService: 'postgres',
    user: 'postgres',
    database: 'postgres',
  });
  return createDatabase(
    databaseOptions(url ?? stack.lookingUrl, {
      target: target.name,
      ...(exec === true && { exec: psql }),
      limits: target.limits,
    }),
  );
}

/** Asks for the addresses at every look, as a name does: a restarted container has another port. */
function toPools(stack: Stack): Pools {
  return {
    async readPools() {
      const urls = await stack.backendUrls();
      const endpoints = urls.map((url) => ({ service: 'backend', url: `${url}/metrics` }));
      return createPools({ endpoints }).readPools();
    },
  };
}
