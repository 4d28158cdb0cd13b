import { once } from 'node:events';
import type Docker from 'dockerode';
import { z } from 'zod';
import { withinBudget } from '../docker/within-budget.ts';

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
