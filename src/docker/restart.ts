import type Docker from 'dockerode';
import type {
  RestartOptions,
  RestartOutcome,
} from '../runbook/remedies/c-restart-service/ports.ts';
import type { Problem } from '../runbook/snapshot/snapshot.ts';
import { poll } from '../timing.ts';
import { awaitHealthy, pollMs, readLastLines, request, toLine, wasKilled } from './after-start.ts';
import { Inspected, observe, readHealthOutput, readStartedAt } from './containers.ts';
import type { Observation } from './containers.ts';
import { toProblem, unanswered } from './failure.ts';

/** What Docker needs around the stop for networks, mounts and the start. */
const engineMarginMs = 20_000;

/**
 * Restarts one container and waits until it is well again. An error of the client says little, for Docker
 * goes on when nobody listens any more: after any error the container is inspected before a word is said.
 * Never throws.
 */
export async function restartReplica(
  docker: Docker,
  id: string,
  options: RestartOptions,
): Promise<RestartOutcome> {
  const before = await observe(docker, id, Inspected);
  const startedBefore = before.inspected === null ? null : readStartedAt(before.inspected);
  const finish = (end: End): Promise<RestartOutcome> =>
    describe(docker, { id, startedBefore, end });
  if (before.inspected === null) return finish({ result: 'unknown', observation: before });
  // Docker would start it, and somebody stopped it on purpose.
  const { Running: runs, Restarting: loops } = before.inspected.State;
  if (!runs && loops !== true) {
    return finish({ result: 'exited', observation: before, problem: stoppedBefore });
  }

  const asked = await requestRestart(docker, { ...options, id, startedBefore });
  if (!asked.restarted) return finish(asked);
  const end = await awaitHealthy(docker, id, options.healthyWithinMs);
  return finish({ ...end, sinceMs: startOf(asked.observation) });
}

/** How it ended, and the last observation of the container. */
interface End {
  readonly result: RestartOutcome['result'];
  readonly observation: Observation;
  readonly problem?: Problem;
  /** When the new run began, by Docker's clock. */
  readonly sinceMs?: number;
}

interface Asked extends End {
  readonly restarted: boolean;
}

/** Asks for the restart and finds out whether there was one, whatever the answer. */
async function requestRestart(
  docker: Docker,
  asked: RestartOptions & { readonly id: string; readonly startedBefore: string | null },
): Promise<Asked> {
  const { id, startedBefore, stopTimeoutSeconds: t } = asked;
  const budgetMs = t * 1000 + engineMarginMs;
  const deadline = Date.now() + budgetMs;
  const refusal = await request(budgetMs, (abortSignal) =>
    // dockerode would send the query's fields, signal and all, as the body too.
    docker.getContainer(id).restart({ abortSignal, _query: { t }, _body: {} }),
  );
  const problem = refusal && toProblem(refusal.error, `container ${id.slice(0, 12)}`, 'restart');
  return poll({ everyMs: pollMs }, async (): Promise<Asked | undefined> => {
    const observation = await observe(docker, id, Inspected);
    const { inspected } = observation;
    const restarted = inspected !== null && readStartedAt(inspected) !== startedBefore;
    if (restarted) return { restarted, result: 'starting', observation };
    const isTold = inspected === null ? observation.gone : refusal?.isFinal !== false;
    if (isTold) {
      const result = unchanged(observation);
      return { restarted, result, observation, problem: problem ?? unproven };
    }
    if (Date.now() < deadline) return undefined;
    const late = unanswered(problem, 'restarts it');
    return { restarted, result: 'unknown', observation, problem: late };
  });
}

const stoppedBefore: Problem = {
  kind: 'invalid',
  summary: 'It was stopped before its restart, and was left so.',
  fix: 'Start it with `docker start` if it has to run.',
};

const unproven: Problem = {
  kind: 'invalid',
  summary: 'Docker said that it restarted the container, but its start time did not change.',
  fix: 'Run `docker ps`, and read the log of the engine.',
};

function unchanged({ inspected }: Observation): RestartOutcome['result'] {
  if (inspected === null) return 'unknown';
  return inspected.State.Running ? 'not-restarted' : 'exited';
}

interface Ended {
  readonly id: string;
  readonly startedBefore: string | null;
  readonly end: End;
}

async function describe(
  docker: Docker,
  { id, startedBefore, end }: Ended,
): Promise<RestartOutcome> {
  const { inspected } = end.observation;
  const problem = end.problem ?? end.observation.problem;
  const output =
    inspected === null || end.result === 'healthy' ? null : readHealthOutput(inspected);
  const startedAfter = inspected === null ? null : readStartedAt(inspected);
  return {
    result: end.result,
    startedAfter,
    exitCode:
      inspected === null || inspected.State.Running ? null : (inspected.State.ExitCode ?? null),
    oomKilled: inspected?.State.OOMKilled ?? false,
    killed: await isKilled(docker, id, { startedBefore, startedAfter }),
    healthOutput: output === null ? null : toLine(output),
    lastLogLines:
      end.sinceMs === undefined || Number.isNaN(end.sinceMs)
        ? []
        : await readLastLines(docker, id, end.sinceMs),
    ...(problem !== undefined && { problem }),
  };
}

async function isKilled(
  docker: Docker,
  id: string,
  {
    startedBefore,
    startedAfter,
  }: Readonly<Record<'startedBefore' | 'startedAfter', string | null>>,
): Promise<boolean> {
  if (startedBefore === null || startedAfter === null || startedBefore === startedAfter) {
    return false;
  }
  return wasKilled(docker, id, { startedAt: startedBefore, endedBy: startedAfter });
}

function startOf({ inspected }: Observation): number {
  return inspected === null ? Number.NaN : Date.parse(readStartedAt(inspected) ?? '');
}
