import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { openBot } from '../../support/open-bot.ts';
import { systemClock } from '../../../src/timing.ts';
import { readConfig } from '../../../src/config/config.ts';
import { createLog } from '../../../src/log.ts';
import { createTargetMonitor } from '../../../src/runbook/loop/target-monitor.ts';
import { aroundWrites, die } from '../around-writes.ts';
import { reachEngine } from '../engine.ts';
import { reachedAdapters } from '../reached-adapters.ts';
import type { PatientTarget } from '../reached-adapters.ts';
import { labelOfCall, labelOfWrite } from './labels.ts';
import { Point } from './point.ts';

/**
 * The whole bot as main.ts builds it, over the patient of the parent. It tells on standard output what it does that
 * lasts, and dies with SIGKILL at the first of its points that it comes to. It stops when standard input ends.
 */
const Job = z.object({
  /** The dbconn.yml. */
  file: z.string(),
  slack: z.object({ apiUrl: z.string(), botToken: z.string(), appToken: z.string() }),
  engine: z.string(),
  patientTarget: z.custom<PatientTarget>((value) => typeof value === 'object'),
  leaseMs: z.number(),
  sendIntervalMs: z.number(),
  points: z.array(Point),
  /** How often each thing was done by the bots before this one. */
  done: z.record(z.string(), z.number()),
});
export type Job = z.infer<typeof Job>;

// Not through the stream: what it still holds dies with the process.
const tell = (line: string): number => writeSync(1, `${line}\n`);

const job = Job.parse(JSON.parse(await readLine()));
const counts = new Map(Object.entries(job.done));

/** Does it, unless this is where the process ends. */
async function mortally<T>(label: string, act: () => T | Promise<T>): Promise<T> {
  const nth = (counts.get(label) ?? 0) + 1;
  counts.set(label, nth);
  tell(`did ${label}`);
  const here = job.points.find((point) => point.label === label && point.nth === nth);
  if (here?.when === 'before') return end(here);
  const result = await act();
  return here === undefined ? result : end(here);
}

function end(point: Point): Promise<never> {
  tell(`died ${JSON.stringify(point)}`);
  return die();
}

const reallyFetch = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const { body } = init ?? {};
  const text = typeof body === 'string' || body instanceof URLSearchParams ? String(body) : '';
  const label = labelOfCall(input instanceof Request ? input.url : String(input), text);
  const send = (): Promise<Response> => reallyFetch(input, init);
  return label === undefined ? send() : mortally(label, send);
};

const adapters = reachedAdapters(job.patientTarget, reachEngine(job.engine));
const { botToken, appToken, apiUrl } = job.slack;
const bot = await openBot({
  config: readConfig({ DBCONN_HTTP_PORT: '127.0.0.1:0' }, job.file),
  slack: { connection: { kind: 'socket', appToken }, botToken, apiUrl },
  log: createLog('warn'),
  targets: { targetAdapters: [adapters], monitor: createTargetMonitor([adapters], systemClock) },
  leaseMs: job.leaseMs,
  sendIntervalMs: job.sendIntervalMs,
  wrapJournal: (journal) =>
    aroundWrites(journal, (draft, write) => mortally(labelOfWrite(draft), write)),
});
await bot.start();
tell(`port ${bot.httpPort}`);
await once(process.stdin.resume(), 'end');
await bot.stop();

async function readLine(): Promise<string> {
  const lines = createInterface(process.stdin);
  for await (const line of lines) return line;
  throw new Error('There was no job.');
}
