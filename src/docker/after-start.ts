import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { z } from 'zod';
import { cutCodePoints, redactText } from '../runbook/snapshot/redaction/redact-text.ts';
import type { Problem } from '../runbook/snapshot/snapshot.ts';
import { readHealth, readHealthOutput, readStartedAt } from './containers.ts';
import type { Inspected } from './containers.ts';
import { joinEvents } from './logs/log-events.ts';
import { readLogLines } from './logs/read-logs.ts';
import { withinBudget } from './within-budget.ts';

/** One look at a container: what was seen, or why nothing was. */
export type Observation =
  | { readonly inspected: Inspected }
  | { readonly inspected: null; readonly gone: boolean; readonly problem: Problem };

/** How a freshly started run stands. */
export type RunState = 'healthy' | 'running' | 'unhealthy' | 'starting' | 'crash-loop' | 'exited';

export const pollMs = 250;
/** Without a health check: a process that cannot start has ended by then. */
const steadyForMs = 3_000;
/** One failed start may be the database's fault and mend itself; the second is a habit. */
const crashLoopRestarts = 2;

/**
 * Waits until a run is settled, or until the deadline, and then tells how it stands. A health check may fail
 * for a while and pass in the end, so `unhealthy` and one failed start are waited through.
 */
export async function awaitHealthy(
  check: () => Promise<Observation>,
  deadline: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly result: RunState | 'unknown'; readonly observation: Observation }> {
  let steady: { readonly startedAt: string | null; readonly since: number } | undefined;
  for (;;) {
    const observation = await check();
    const now = Date.now();
    if (observation.inspected === null) {
      if (observation.gone || now >= deadline || signal?.aborted)
        return { result: 'unknown', observation };
    } else {
      const startedAt = readStartedAt(observation.inspected);
      if (steady?.startedAt !== startedAt) steady = { startedAt, since: now };
      const result = judge(observation.inspected, now - (steady?.since ?? now));
      const settled = result !== 'starting' && result !== 'unhealthy';
      if (settled || now >= deadline || signal?.aborted) return { result, observation };
    }
    await sleep(pollMs);
  }
}

/** @param steadyMs for how long this run has been seen up. */
function judge(inspected: Inspected, steadyMs: number): RunState {
  const { State: state, RestartCount: restarts } = inspected;
  // Docker counts from 0 again at every restart somebody asked for.
  if ((restarts ?? 0) >= crashLoopRestarts) return 'crash-loop';
  if (state.Restarting === true) return 'starting';
  if (!state.Running) return 'exited';
  if (state.Health == null || state.Health.Status === 'none') {
    return steadyMs >= steadyForMs ? 'running' : 'starting';
  }
  const health = readHealth(inspected);
  return health === 'none' ? 'starting' : health;
}

const maxLines = 10;
const maxLineLength = 300;
const bounds = { tail: 200, maxBytes: 256 * 1024, budgetMs: 2_000 };

/**
 * What a container that did not come up said last: its health check's output, then the last entries of its log,
 * at most 11 lines, redacted. Untrusted text. Never throws.
 */
export async function readLastWords(docker: Docker, inspected: Inspected): Promise<string[]> {
  const output = readHealthOutput(inspected);
  const { lines } = await readLogLines(docker, inspected.Id, bounds);
  const entries = joinEvents(lines).slice(-maxLines);
  const said = entries.map(({ text }) => toLine(text));
  return output === null || output.trim() === '' ? said : [toLine(output), ...said];
}

/** One line, redacted before it is cut: a secret cut in two is no longer recognised. */
function toLine(text: string): string {
  return cutCodePoints(redactText(text.trim()).replaceAll(/\s+/g, ' '), maxLineLength);
}

const budgetMs = 2_000;
/** Docker keeps 256 events, each far below a kilobyte. */
const maxBytes = 256 * 1024;
const sigkill = new Set(['9', 'SIGKILL']);

const KillEvent = z.object({
  timeNano: z.number(),
  Actor: z.object({ Attributes: z.object({ signal: z.string().optional() }) }),
});

/** One run of a container, by the engine's clock. */
interface Run {
  readonly startedAt: string;
  /** When the next one began. */
  readonly endedBy: string;
}

/**
 * Whether Docker ended that run with SIGKILL, as it does with a process that does not end in time. The new run
 * has overwritten the exit code, so its events are asked. False when they tell nothing. Never throws.
 */
export async function wasKilled(docker: Docker, id: string, run: Run): Promise<boolean> {
  try {
    const text = await withinBudget(budgetMs, (signal) => readKills(docker, { id, run, signal }));
    return text.split('\n').some((line) => isSigkill(line, run));
  } catch {
    return false; // a proxy may keep events to itself, and nothing hangs on it
  }
}

interface Question {
  readonly id: string;
  readonly run: Run;
  readonly signal: AbortSignal;
}

async function readKills(docker: Docker, { id, run, signal }: Question): Promise<string> {
  const options: Docker.GetEventsOptions & { abortSignal: AbortSignal } = {
    since: Math.floor(Date.parse(run.startedAt) / 1000),
    until: Math.ceil(Date.parse(run.endedBy) / 1000),
    filters: { container: [id], event: ['kill'] },
    abortSignal: signal,
  };
  const stream = await docker.getEvents(options);
  // A stream that is given up says so once more, when nobody waits for it any longer.
  stream.on('error', () => undefined);
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    if (text.length < maxBytes) text += chunk.toString('utf8');
  });
  await once(stream, 'end', { signal });
  return text;
}

/** In that run: the seconds that were asked for may hold the end of the one before. */
function isSigkill(line: string, { startedAt }: Run): boolean {
  if (line === '') return false;
  const { success, data } = KillEvent.safeParse(JSON.parse(line));
  if (!success || data.timeNano / 1e6 < Date.parse(startedAt)) return false;
  return sigkill.has(data.Actor.Attributes.signal ?? '');
}
