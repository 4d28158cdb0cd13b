import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { startCluster } from '../sandbox/patient/cluster.ts';
import { sixProcesses } from './by-hand.ts';
import { holdCrowd } from './held.ts';
import { toTiming } from './timing.ts';

interface StartResult {
  /** The Node it is compared with: the one that `npm ci` brings, or as people have it the first on the machine's own path. */
  readonly node: string;
  /** Processor time of `dbconn help` in times of `node -e 0`. */
  readonly helpRatio: number;
  /** Wall clock of `dbconn status` in times of the runbook's six `psql`. */
  readonly statusRatio: number;
  readonly statusMs: number;
  /** The most that one process of `status` held. */
  readonly statusPeakMb: number;
}

const run = promisify(execFile);
const inBin = (name: string): string => fileURLToPath(new URL(`../bin/${name}`, import.meta.url));
const sessions = 60;

/** The terminal as whole processes, each in turn with what it is compared with. */
export async function benchStart(runs: number): Promise<readonly StartResult[]> {
  const cluster = await startCluster();
  const crowd = await holdCrowd(cluster.url(), sessions, 0);
  try {
    // The sessions of the last ten seconds are counted twice, 0.3 s apart: the second node would look faster for that.
    await setTimeout(10_500);
    const [own, machines] = [process.execPath, await nodeOfTheMachine()];
    const asTyped = { node: machines, program: [inBin('dbconn')] };
    return [
      await compare({ node: own, program: [own, inBin('dbconn.mjs')] }, cluster.url(), runs),
      await compare(asTyped, cluster.url(), runs),
    ];
  } finally {
    await crowd.release();
    await cluster.close();
  }
}

/** npm puts the Node that it brought along first. */
async function nodeOfTheMachine(): Promise<string> {
  const folders = (process.env['PATH'] ?? '').split(':');
  const PATH = folders.filter((folder) => !folder.endsWith('node_modules/.bin')).join(':');
  const { stdout } = await run('sh', ['-c', 'command -v node'], { env: { PATH } });
  return stdout.trim();
}

interface Start {
  /** What dbconn is compared with, and whose folder comes first on the path. */
  readonly node: string;
  readonly program: readonly string[];
}

async function compare({ node, program }: Start, url: string, runs: number): Promise<StartResult> {
  const PATH = `${dirname(node)}:${process.env['PATH'] ?? ''}`;
  const [empty, help, status, byHand]: number[][] = [[], [], [], []];
  let statusPeakMb = 0;
  for (let round = 0; round < runs; round += 1) {
    empty?.push((await weigh([node, '-e', '0'])).cpuMs);
    help?.push((await weigh([...program, 'help'], { PATH })).cpuMs);
    const one = await weigh([...program, 'status'], { PATH, DATABASE_URL: url });
    statusPeakMb = Math.max(statusPeakMb, one.peakMb);
    status?.push(one.wallMs);
    const began = performance.now();
    await sixProcesses(url);
    byHand?.push(performance.now() - began);
  }
  const median = (samples: readonly number[] = []): number => toTiming('', samples).medianMs;
  const { stdout: version } = await run(node, ['--version']);
  return {
    node: version.trim(),
    helpRatio: median(help) / median(empty),
    statusRatio: median(status) / median(byHand),
    statusMs: median(status),
    statusPeakMb,
  };
}

interface Weight {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

const Usage = z.object({ user: z.number(), system: z.number(), peak: z.number() });

/** Each process says at its end what it used: a launcher and what it started are added up, and the larger one counts. */
async function weigh(
  [command = '', ...words]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Weight> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-start-'));
  try {
    const file = join(folder, 'usage');
    const atExit = `import { appendFileSync } from 'node:fs';
      process.on('exit', () => {
        const { userCPUTime: user, systemCPUTime: system, maxRSS: peak } = process.resourceUsage();
        appendFileSync(${JSON.stringify(file)}, JSON.stringify({ user, system, peak }) + '\\n');
      });`;
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(atExit)}`;
    const began = performance.now();
    await run(command, words, { env: { ...process.env, ...env, NODE_OPTIONS } });
    const wallMs = performance.now() - began;
    const lines = (await readFile(file, 'utf8')).trim().split('\n');
    const uses = lines.map((line) => Usage.parse(JSON.parse(line)));
    const cpuMs = uses.reduce((sum, { user, system }) => sum + (user + system) / 1000, 0);
    return { wallMs, cpuMs, peakMb: Math.max(...uses.map(({ peak }) => peak)) / 1024 };
  } finally {
    await rm(folder, { recursive: true });
  }
}
