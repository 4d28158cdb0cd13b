import { once } from 'node:events';
import type Docker from 'dockerode';
import { z } from 'zod';
import { joinEvents } from '../runbook/snapshot/logs/log-events.ts';
import { cutCodePoints, redactText } from '../runbook/snapshot/redaction/redact-text.ts';
import { poll, withTimeout } from '../timing.ts';
import { Inspected, observe, readHealth, readHealthOutput, readStartedAt } from './containers.ts';
import type { Observation } from './containers.ts';
import { isFinal, readStatus } from './failure.ts';
import { readLogLines } from './logs/read-logs.ts';

/** How a freshly started run stands. */
export type RunState = 'healthy' | 'running' | 'unhealthy' | 'starting' | 'crash-loop' | 'exited';

export const pollMs = 250;

/** What Docker had against a change. */
interface Refusal {
  readonly error: unknown;
  /** Without an answer of its own the engine, or a proxy before it, may be at it still. */
  readonly isFinal: boolean;
}

/** Asks for a change. Nothing where it was made, or where there was nothing to do (304), which dockerode throws. */
export async function request(
  budgetMs: number,
  call: (signal: AbortSignal) => Promise<unknown>,
): Promise<Refusal | undefined> {
  try {
    await withTimeout(budgetMs, call);
    return undefined;
  } catch (error) {
    return readStatus(error) === 304 ? undefined : { error, isFinal: isFinal(error) };
  }
}

/** Without a health check: a process that cannot start has ended by then. */
const steadyForMs = 3_000;
/** One failed start may be the database's fault and mend itself; the second is a habit. */
const crashLoopRestarts = 2;

/**
 * Waits until a run is settled, or until the time is up, and then tells how it stands. A health check may fail
 * for a while and pass in the end, so `unhealthy` and one failed start are waited through.
 */
export async function awaitHealthy(
  docker: Docker,
  id: string,
  withinMs: number,
): Promise<{ readonly result: RunState | 'unknown'; readonly observation: Observation }> {
  let steady: { readonly startedAt: string | null; readonly since: number } | undefined;
  return poll({ everyMs: pollMs, withinMs }, async (isOver) => {
    const observation = await observe(docker, id, Inspected);
    const now = Date.now();
    if (observation.inspected === null) {
      return observation.gone || isOver() ? { result: 'unknown', observation } : undefined;
    }
    const startedAt = readStartedAt(observation.inspected);
    if (steady?.startedAt !== startedAt) steady = { startedAt, since: now };
    const result = judge(observation.inspected, now - (steady?.since ?? now));
    const isSettled = result !== 'starting' && result !== 'unhealthy';
    return isSettled || isOver() ? { result, observation } : undefined;
  });
}

/** @param steadyMs for how long this run has been up. */
function judge(inspected: Inspected, steadyMs: number): RunState {
  const { State: state, RestartCount: restarts } = inspected;
  // Docker counts from 0 again at every restart somebody asked for.
  if ((restarts ?? 0) >= crashLoopRestarts) return 'crash-loop';
  if (state.Restarting === true) return 'starting';
  if (!state.Running) return 'exited';
  const health = readHealth(inspected);
  // Podman gives a container without a health check an empty status.
  if (health === 'none') return steadyMs >= steadyForMs ? 'running' : 'starting';
  return health;
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
  const said = await readLastLines(docker, inspected.Id);
  return output === null || output.trim() === '' ? said : [toLine(output), ...said];
}

/** The last 10 entries of a log, since a moment by Docker's clock; stacks left out. Redacted, untrusted. Never throws. */
export async function readLastLines(
  docker: Docker,
  id: string,
  sinceMs?: number,
): Promise<string[]> {
  const { lines } = await readLogLines(docker, id, {
    ...bounds,
    ...(sinceMs !== undefined && { sinceMs }),
  });
  return joinEvents(lines)
    .slice(-maxLines)
    .map(({ text }) => toLine(text));
}

/** One line, redacted before it is cut: a secret cut in two is no longer recognised. */
export function toLine(text: string): string {
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
    const text = await withTimeout(budgetMs, (signal) => readKills(docker, { id, run, signal }));
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
