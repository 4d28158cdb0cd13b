import { setTimeout as sleep } from 'node:timers/promises';
import type { Sample } from '../src/pool-metrics/parse-prometheus.ts';
import { readCpuSeconds, readMemory } from './process-cost.ts';
import type { MemoryUse } from './process-cost.ts';
import type { RunningBot } from './start-bot.ts';

/** How often the bot is asked for its metrics while it is measured: more often than Prometheus asks. */
const readEveryMs = 5000;

/** What watching cost over some time, by the bot's own metrics and by the kernel's account of its process. */
export interface WatchCost extends MemoryUse {
  /** Of one core. */
  readonly cpuShare: number;
  /** Looks at these targets that said so or came in so; all of them unless given. */
  looks(of?: LookFilter): number;
  /** How many looks took at most so long: one of the histogram's bounds. */
  looksWithin(seconds: number): number;
  /** The smallest of the histogram's bounds that so many looks kept to, in seconds. */
  boundOf(looks: number): number;
  /** The longest time ago that the latest look at one of these targets was, whenever it was asked, in seconds. */
  oldestLookSeconds(kind: string): number;
  readonly incidentsOpen: number;
  /** Calls to Slack by method, those it refused included. */
  readonly slackCalls: ReadonlyMap<string, number>;
  readonly slackRefused: number;
}

interface LookFilter {
  /** What the names of the targets begin with. */
  readonly kind?: string;
  readonly via?: string;
  readonly state?: string;
}

interface Reading {
  readonly atSeconds: number;
  readonly samples: readonly Sample[];
}

export async function measureWatch(bot: RunningBot, forMs: number): Promise<WatchCost> {
  const readings = [await read(bot)];
  const [before, began] = [await readCpuSeconds(bot.pid), performance.now()];
  for (;;) {
    const leftMs = forMs - (performance.now() - began);
    if (leftMs <= 0) break;
    await sleep(Math.min(readEveryMs, leftMs));
    readings.push(await read(bot));
  }
  const seconds = (performance.now() - began) / 1000;
  const cpuShare = ((await readCpuSeconds(bot.pid)) - before) / seconds;
  return { cpuShare, ...(await readMemory(bot.pid)), ...toFigures(readings) };
}

async function read(bot: RunningBot): Promise<Reading> {
  const samples = await bot.readMetrics();
  return { atSeconds: Date.now() / 1000, samples };
}

type Labels = Readonly<Record<string, string>>;

function toFigures(
  readings: readonly Reading[],
): Omit<WatchCost, 'cpuShare' | 'residentMb' | 'proportionalMb'> {
  const [first, last] = [readings[0]?.samples ?? [], readings.at(-1)?.samples ?? []];
  const grown = (name: string, fits: (sample: Sample) => boolean): number =>
    sumOf(last, name, fits) - sumOf(first, name, fits);
  const looksWithin = (seconds: number): number =>
    grown('dbconn_check_duration_seconds_bucket', has({ le: String(seconds) }));
  const bounds = boundsOf(last);
  return {
    looks: ({ kind = '', ...labels } = {}) =>
      grown('dbconn_checks_total', (sample) => isOfKind(sample, kind) && has(labels)(sample)),
    looksWithin,
    boundOf: (looks) => bounds.find((bound) => looksWithin(bound) >= looks) ?? Infinity,
    oldestLookSeconds: (kind) => Math.max(...readings.map((reading) => oldestLook(reading, kind))),
    incidentsOpen: sumOf(last, 'dbconn_incidents_open', () => true),
    slackCalls: new Map(
      methodsOf(last)
        .map((method) => [method, grown('dbconn_slack_calls_total', has({ method }))] as const)
        .filter(([, count]) => count > 0),
    ),
    slackRefused: grown('dbconn_slack_calls_total', has({ outcome: 'limited' })),
  };
}

function has(labels: Labels): (sample: Sample) => boolean {
  const wanted = Object.entries(labels);
  return (sample) => wanted.every(([name, value]) => sample.labels.get(name) === value);
}

function isOfKind({ labels }: Sample, kind: string): boolean {
  return labels.get('target')?.startsWith(kind) ?? false;
}

function sumOf(
  samples: readonly Sample[],
  name: string,
  fits: (sample: Sample) => boolean,
): number {
  const values = samples.filter((sample) => sample.name === name && fits(sample));
  return values.reduce((sum, { value }) => sum + value, 0);
}

function boundsOf(samples: readonly Sample[]): number[] {
  return samples
    .filter(({ name }) => name === 'dbconn_check_duration_seconds_bucket')
    .map(({ labels }) => Number(labels.get('le')))
    .filter((bound) => Number.isFinite(bound));
}

function methodsOf(samples: readonly Sample[]): string[] {
  const calls = samples.filter(({ name }) => name === 'dbconn_slack_calls_total');
  return [...new Set(calls.map(({ labels }) => labels.get('method') ?? ''))];
}

function oldestLook({ atSeconds, samples }: Reading, kind: string): number {
  const ages = samples
    .filter((sample) => sample.name === 'dbconn_last_check_timestamp_seconds')
    .filter((sample) => isOfKind(sample, kind))
    .map(({ value }) => atSeconds - value);
  return Math.max(...ages);
}
