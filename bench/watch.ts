import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { z } from 'zod';
import { startCluster } from '../sandbox/patient/cluster.ts';
import type { Cluster } from '../sandbox/patient/cluster.ts';
import { holdCrowd } from './held.ts';
import type { HeldCrowd } from './held.ts';
import { toTiming } from './timing.ts';

/** One look as the process that watches tells it. */
export const LookMade = z.object({
  /** Its end, milliseconds since the epoch. */
  at: z.number(),
  target: z.string(),
  tookMs: z.number(),
  state: z.string(),
  via: z.string(),
});
export type LookMade = z.infer<typeof LookMade>;

/** What watching cost over some time. */
export interface WatchCost {
  readonly looks: readonly LookMade[];
  /** Of one core. */
  readonly cpuShare: number;
  readonly residentMb: number;
}

/** dbconn's watch in a process of its own. */
export interface Watching {
  measure(forMs: number): Promise<WatchCost>;
  close(): Promise<void>;
}

const script = fileURLToPath(new URL('watching.ts', import.meta.url));
/** As `npm start` runs it. */
const flags = ['--optimize-for-size', '--max-semi-space-size=2'];
/** The unit of /proc/PID/stat, which Linux has fixed for programs. */
const ticksPerSecond = 100;

/** Watches these addresses by name, each every so often. */
export async function startWatching(
  urls: ReadonlyMap<string, string>,
  everyMs: number,
): Promise<Watching> {
  const directory = await mkdtemp(join(tmpdir(), 'dbconn-watch-'));
  const targets = [...urls].map(([name, url]) => ({ name, database: { url } }));
  const file = { targets, incidents: { every: `${everyMs}ms` } };
  await writeFile(join(directory, 'dbconn.yml'), stringify(file));
  const child = spawn(process.execPath, [...flags, script], {
    cwd: directory,
    stdio: ['pipe', 'pipe', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      MALLOC_ARENA_MAX: '2',
      NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/dbconn', import.meta.url)),
    },
  });
  let looks: LookMade[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    looks.push(LookMade.parse(JSON.parse(line)));
  });
  return {
    async measure(forMs) {
      looks = [];
      const [before, began] = [await cpuSeconds(child.pid), performance.now()];
      await sleep(forMs);
      const seconds = (performance.now() - began) / 1000;
      const cpuShare = ((await cpuSeconds(child.pid)) - before) / seconds;
      return { looks, cpuShare, residentMb: await residentMb(child.pid) };
    },
    async close() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
      await rm(directory, { recursive: true });
    },
  };
}

async function cpuSeconds(pid: number | undefined): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name of the program stands in brackets and may hold anything: fields are counted behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

async function residentMb(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** The 95th of a hundred looks, in milliseconds. */
export function p95(looks: readonly LookMade[]): number {
  const sorted = looks.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * 0.95)] ?? Number.NaN;
}

/** Servers with some load on each: idle sessions, and a few that wait for one row. */
export interface Ward {
  readonly clusters: readonly Cluster[];
  close(): Promise<void>;
}

export async function startWard(majors: readonly number[]): Promise<Ward> {
  const clusters: Cluster[] = [];
  const crowds: HeldCrowd[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(crowds.map((crowd) => crowd.release()));
    await Promise.all(clusters.map((cluster) => cluster.close()));
  };
  try {
    for (const major of majors) {
      const settings = { max_connections: 300, shared_buffers: '32MB' };
      const cluster = await startCluster({ major, settings });
      clusters.push(cluster);
      crowds.push(await holdCrowd(cluster.url(), 120, 5));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { clusters, close };
}

export interface WatchResult {
  readonly targets: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly cpuShare: number;
  readonly residentMb: number;
}

const everyMs = 15_000;

/** Many targets on four servers, watched every 15 s; measured after the first look at each. */
export async function benchWatch(targets: number, forMs: number): Promise<WatchResult> {
  const ward = await startWard([15, 15, 18, 18]);
  const urls = new Map(
    Array.from({ length: targets }, (_, index) => {
      const cluster = ward.clusters[index % ward.clusters.length];
      return [`target-${index}`, cluster?.url() ?? ''];
    }),
  );
  const watching = await startWatching(urls, everyMs);
  try {
    await sleep(everyMs + 5_000);
    const { looks, cpuShare, residentMb: memory } = await watching.measure(forMs);
    const samples = looks.map(({ tookMs }) => tookMs);
    const { medianMs } = toTiming('watch', samples);
    return { targets, medianMs, p95Ms: p95(looks), cpuShare, residentMb: memory };
  } finally {
    await watching.close();
    await ward.close();
  }
}
