import { Client } from 'pg';
import { startCluster } from '../sandbox/patient/cluster.ts';
import { systemClock } from '../src/timing.ts';
import { createDatabase } from '../src/postgres/lifeline.ts';
import { snapshotStatement } from '../src/postgres/snapshot/snapshot-statement.ts';
import { createTargetMonitor } from '../src/runbook/loop/target-monitor.ts';
import type { TargetMonitor } from '../src/runbook/loop/target-monitor.ts';
import { defaultLimits } from '../src/runbook/snapshot/target.ts';
import { checkPostgres, isInstalled, oneSession, sixProcesses } from './by-hand.ts';
import { holdCrowd } from './held.ts';
import { measure } from './timing.ts';
import type { Candidate, Timing } from './timing.ts';

interface Load {
  readonly idle: number;
  readonly waiters: number;
}

export interface LookResult extends Load {
  readonly timings: readonly Timing[];
  /** dbconn's connections while it looked, by the server's own count. */
  readonly connections: number;
}

const target = {
  name: 'bench',
  services: [],
  applicationRoles: [],
  protectedApplications: [],
  limits: defaultLimits,
  links: { guides: [] },
  contacts: {},
};

/** One load, all candidates interleaved in one run on one server. */
export async function benchLook(load: Load, runs: number): Promise<LookResult> {
  const max = load.idle + load.waiters + 30;
  const cluster = await startCluster({
    settings: { max_connections: max, shared_buffers: '64MB' },
  });
  const url = cluster.url();
  const monitor = openMonitor(url);
  const bare = new Client({ connectionString: url, application_name: 'bare' });
  try {
    await bare.connect();
    const crowd = await holdCrowd(url, load.idle, load.waiters);
    const timings = await measure(candidates(url, monitor, await bareStatement(bare)), runs);
    const count = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'dbconn'`;
    const { rows } = await bare.query<{ n: number }>(count);
    await crowd.release();
    return { ...load, timings, connections: rows[0]?.n ?? 0 };
  } finally {
    await monitor.close();
    await bare.end();
    await cluster.close();
  }
}

function openMonitor(url: string): TargetMonitor {
  const absent = {
    ok: false,
    tookMs: 0,
    problem: { kind: 'not-configured', summary: 'Not part of this bench.' },
  } as const;
  const database = createDatabase({
    target: target.name,
    url,
    providerReserved: 0,
    limits: target.limits,
    clock: systemClock,
  });
  const services = {
    readServices: () => Promise.resolve(absent),
    readLogs: () => Promise.resolve(absent),
  };
  const pools = { readPools: () => Promise.resolve(absent) };
  return createTargetMonitor([{ target, database, services, pools }], systemClock);
}

async function bareStatement(bare: Client): Promise<() => Promise<void>> {
  const { rows } = await bare.query<{ v: number }>(
    `SELECT current_setting('server_version_num')::int AS v`,
  );
  const version = rows[0]?.v ?? 0;
  const statement = snapshotStatement({ version, limits: defaultLimits, providerReserved: 0 });
  return async () => {
    await bare.query(statement);
  };
}

function candidates(url: string, monitor: TargetMonitor, bare: () => Promise<void>): Candidate[] {
  return [
    {
      name: 'look and diagnosis',
      run: async () => {
        await monitor.diagnose(target.name);
      },
    },
    { name: 'the bare statement', run: bare },
    { name: 'runbook, one psql', run: () => oneSession(url) },
    { name: 'runbook, six psql', run: () => sixProcesses(url) },
    ...(isInstalled('check_postgres')
      ? [{ name: 'check_postgres', run: () => checkPostgres(url) }]
      : []),
  ];
}
