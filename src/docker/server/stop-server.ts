import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { z } from 'zod';
import { DockerFailure, isFinal, readStatus, toProblem } from '../failure.ts';
import { withinBudget } from '../within-budget.ts';

/** A kill in the middle of the shutdown's checkpoint makes the next start a crash recovery. */
const stopTimeoutSeconds = 300;
/** What Docker needs around it. */
const budgetMs = stopTimeoutSeconds * 1000 + 20_000;
const callMs = 5_000;
const pollMs = 250;

const StopState = z.object({
  State: z.object({ Running: z.boolean(), Restarting: z.boolean().nullish() }),
  Config: z.object({ StopSignal: z.string().nullish() }),
});

/**
 * Ends PostgreSQL's container by a fast shutdown, and keeps the engine from starting it again by itself. Returns
 * when it is down. Throws what dockerode throws, DockerFailure or BudgetExceeded.
 */
export async function stopServer(docker: Docker, id: string): Promise<void> {
  const deadline = Date.now() + budgetMs;
  const signal = (await inspect(docker, id)).Config.StopSignal;
  const asked = requestStop(docker, id);
  // SIGTERM waits for every client to leave by itself (smart shutdown), until Docker kills it; SIGINT after it
  // ends them. The engine has noted by then that it is not to be started again.
  if (signal !== 'SIGINT') await interrupt(docker, id);
  const failure = await asked;
  for (;;) {
    const { State: state } = await inspect(docker, id);
    if (!state.Running && state.Restarting !== true) return;
    // A proxy may cut the call short; the engine goes on with it all the same.
    if (failure?.isFinal === true) throw new DockerFailure(failure.problem);
    if (Date.now() >= deadline) throw new DockerFailure(notStopped);
    await sleep(pollMs);
  }
}

async function inspect(docker: Docker, id: string): Promise<z.infer<typeof StopState>> {
  const answer = await withinBudget(callMs, (abortSignal) =>
    docker.getContainer(id).inspect({ abortSignal }),
  );
  return StopState.parse(answer);
}

interface Failure {
  readonly problem: DockerFailure['problem'];
  readonly isFinal: boolean;
}

/** Resolves with what Docker had against it. */
async function requestStop(docker: Docker, id: string): Promise<Failure | undefined> {
  try {
    await withinBudget(budgetMs, (abortSignal) => {
      // dockerode would send the query's fields, signal and all, as the body too.
      const options = { abortSignal, _query: { t: stopTimeoutSeconds }, _body: {} };
      return docker.getContainer(id).stop(options);
    });
    return undefined;
  } catch (error) {
    // 304: it is down already.
    if (readStatus(error) === 304) return undefined;
    const problem = toProblem(error, 'the container of PostgreSQL', 'server');
    return { problem, isFinal: isFinal(error) };
  }
}

async function interrupt(docker: Docker, id: string): Promise<void> {
  await sleep(pollMs);
  try {
    await withinBudget(callMs, (abortSignal) => {
      const options = { abortSignal, _query: { signal: 'SIGINT' }, _body: {} };
      return docker.getContainer(id).kill(options);
    });
  } catch (error) {
    // 409: it has ended already.
    if (readStatus(error) !== 409) throw error;
  }
}

const notStopped = {
  kind: 'timeout',
  summary: `PostgreSQL had not stopped after ${stopTimeoutSeconds} s.`,
  fix: 'Read its log, and see `docker ps`.',
} as const;
