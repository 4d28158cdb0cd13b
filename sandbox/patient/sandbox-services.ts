import { basename } from 'node:path';
import { countSessions } from '../../src/docker/postgres-processes.ts';
import { joinEvents } from '../../src/runbook/snapshot/logs/log-events.ts';
import { classifyLogs } from '../../src/runbook/snapshot/logs/classify-logs.ts';
import type {
  Part,
  ReplicaReading,
  ServiceLogs,
  ServiceReading,
  ServicesReading,
} from '../../src/runbook/snapshot/snapshot.ts';
import { envEdits, planFileEdit } from '../../src/docker/env-file/env-file.ts';
import type { Services } from '../../src/runbook/snapshot/ports.ts';
import type {
  EditAnswer,
  PoolSettings,
  Resize,
} from '../../src/runbook/remedies/e-resize-pool/ports.ts';
import type { BackendProcess } from './backend-process.ts';
import type { Cluster } from './cluster.ts';
import type { Fleet } from './fleet.ts';
import { readChildTitles } from './process-titles.ts';
import { readHealth } from './read-health.ts';
import { recreateReplica, settleReplica } from './sandbox-recreate.ts';
import { restartReplica } from './sandbox-restart.ts';
import type { Restarts } from '../../src/runbook/remedies/c-restart-service/ports.ts';

const logTail = 200;
export const postgresService = 'postgres';

interface Surroundings {
  readonly fleet: Fleet;
  readonly cluster: Cluster;
  /** The `.env` that option E edits. */
  readonly envFile: string;
  /** Log lines from then on, UTC ISO text: what healing the last trouble left behind is no sign of this one. */
  readonly since: () => string;
}

/** The patient's processes as if they were containers: what dbconn reads through Docker elsewhere. */
export function createSandboxServices({
  fleet,
  cluster,
  envFile,
  since,
}: Surroundings): Services & Restarts & PoolSettings {
  return {
    readServices: () => timed(() => readServices(fleet, cluster)),
    readLogs: () => timed(() => readLogs({ fleet, cluster, since })),
    restartReplica: (id) => restartReplica(fleet, id),
    ...envEdits,
    planEdit: (resize) => planEdit(envFile, resize),
    readObstacles: () => Promise.resolve([]),
    recreateReplica: (replica, wanted) => recreateReplica(fleet, replica, wanted),
    settleReplica: (replica) => settleReplica(fleet, replica),
  };
}

/** There is no compose file here: every process takes the two numbers from the one `.env`. */
async function planEdit(envFile: string, { to }: Resize): Promise<EditAnswer> {
  const set = { DATABASE_POOL_SIZE: to.poolSize, DATABASE_MAX_OVERFLOW: to.maxOverflow };
  const planned = await planFileEdit(envFile, set);
  if (!planned.ok) return planned;
  const file = basename(planned.value.path);
  return { ok: true, value: { edit: planned.value, set, file, sharedWith: [], assumed: false } };
}

async function timed<T>(read: () => Promise<T>): Promise<Part<T>> {
  const started = performance.now();
  const value = await read();
  return { ok: true, tookMs: Math.round(performance.now() - started), value };
}

async function readServices(fleet: Fleet, cluster: Cluster): Promise<ServicesReading> {
  const names = [...new Set(fleet.replicas.map(({ options }) => options.service))];
  const services = await Promise.all(names.map((name) => readService(fleet, name)));
  const pid = postmasterOf(cluster);
  const titles = pid === undefined ? [] : await readChildTitles(pid);
  return {
    services: [...services, postgresReading(cluster)],
    postgresProcesses: countSessions(titles),
  };
}

async function readService(fleet: Fleet, name: string): Promise<ServiceReading> {
  const replicas = fleet.replicasOf(name);
  return { name, replicas: await Promise.all(replicas.map((replica) => readReplica(replica))) };
}

async function readReplica(replica: BackendProcess): Promise<ReplicaReading> {
  const { imageId, localAddress, number, isHidden, ...pool } = replica.options;
  return {
    id: replica.id,
    name: replica.name,
    number,
    state: replica.running ? 'running' : 'exited',
    health: await readHealth(replica),
    startedAt: replica.startedAt,
    restarts: 0, // as in Docker: only those the engine makes by itself count
    exitCode: replica.exitCode,
    oomKilled: false,
    addresses: [localAddress],
    ...(imageId !== undefined && { imageId }),
    pool: {
      size: isHidden ? null : pool.poolSize,
      maxOverflow: isHidden ? null : pool.maxOverflow,
      timeoutSeconds: isHidden ? null : pool.poolTimeoutSeconds,
      recycleSeconds: null,
      prePing: null,
    },
  };
}

function postgresReading(cluster: Cluster): ServiceReading {
  const replica: ReplicaReading = {
    id: String(cluster.port).padStart(12, '0'),
    name: `${postgresService}-1`,
    number: 1,
    state: postmasterOf(cluster) !== undefined ? 'running' : 'exited',
    health: 'none',
    startedAt: null,
    restarts: 0,
    exitCode: null,
    oomKilled: false,
    // It is no client of its own, and what else runs on this machine connects from the same address.
    addresses: [],
    pool: {
      size: null,
      maxOverflow: null,
      timeoutSeconds: null,
      recycleSeconds: null,
      prePing: null,
    },
  };
  return { name: postgresService, replicas: [replica] };
}

/** Undefined while the server is stopped. */
function postmasterOf(cluster: Cluster): number | undefined {
  try {
    return cluster.postmasterPid();
  } catch {
    return undefined;
  }
}

async function readLogs({
  fleet,
  cluster,
  since,
}: Omit<Surroundings, 'envFile'>): Promise<readonly ServiceLogs[]> {
  const from = since();
  const replicas = fleet.replicas.map((replica) => {
    const lines = replica.lines(logTail).filter(({ at }) => at >= from);
    return toServiceLogs(replica.options.service, replica.name, lines);
  });
  const server = (await cluster.log()).trimEnd().split('\n').slice(-logTail);
  const lines = server.map((text) => ({ at: toIsoTime(text), text }));
  const first = lines.findIndex(({ at }) => at !== null && at >= from);
  const recent = first === -1 ? [] : lines.slice(first);
  return [...replicas, toServiceLogs(postgresService, `${postgresService}-1`, recent)];
}

function toServiceLogs(
  service: string,
  container: string,
  lines: readonly { at: string | null; text: string }[],
): ServiceLogs {
  const started = performance.now();
  const events = joinEvents(lines.map(({ at, text }) => ({ stream: 'stderr', at, text })));
  const classes = classifyLogs(events);
  const tookMs = Math.round(performance.now() - started);
  return { service, container, tookMs, linesRead: lines.length, classes };
}

/** log_line_prefix is `%m …` and log_timezone UTC: `2026-11-23 03:00:00.123 UTC`. */
function toIsoTime(line: string): string | null {
  const found = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d\.\d{3}) UTC /.exec(line);
  return found === null ? null : `${found[1]}T${found[2]}Z`;
}
