import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import { cutCodePoints, redactText } from '../runbook/snapshot/redaction/redact-text.ts';
import type { Problem } from '../runbook/snapshot/snapshot.ts';
import { awaitHealthy, pollMs, wasKilled } from './after-start.ts';
import type { RunState, Observation } from './after-start.ts';
import { Inspected, readHealthOutput, readStartedAt } from './containers.ts';
import { isFinal, readStatus, toProblem, unanswered } from './failure.ts';
import { joinEvents } from './logs/log-events.ts';
import { readLogLines } from './logs/read-logs.ts';
import { withinBudget } from './within-budget.ts';

interface RestartOptions {
  /** What the process gets between SIGTERM and SIGKILL. */
  readonly stopTimeoutSeconds: number;
  /** From the end of the restart until the new process must be healthy. */
  readonly healthyWithinMs: number;
  /** Before the restart it prevents it; afterwards it only ends the waiting, for Docker ends what it began. */
  readonly signal?: AbortSignal;
}

/**
 * `healthy` its health check passed · `running` it has none and stayed up · `unhealthy`, `starting` when the
 * time was up · `crash-loop` Docker starts it again and again · `exited` it is down · `not-restarted` the old
 * process still runs · `unknown` Docker could not be asked, or gave no answer of its own.
 */
type RestartResult = RunState | 'not-restarted' | 'unknown';

/** What came of a restart. A changed `startedAt` is the proof that there was one. */
interface RestartOutcome {
  /** First 12 characters of the id. */
  readonly id: string;
  readonly name: string;
  readonly result: RestartResult;
  readonly startedBefore: string | null;
  readonly startedAfter: string | null;
  readonly tookMs: number;
  readonly exitCode: number | null;
  readonly oomKilled: boolean;
  /** The old process did not end in time, so Docker killed it. */
  readonly killed: boolean;
  /** What the last health check printed when the replica is not healthy; redacted, untrusted text. */
  readonly healthOutput: string | null;
  /** The last 10 entries of the log since the restart, stacks left out; redacted, untrusted text. */
  readonly lastLogLines: readonly string[];
  /** What Docker, or the way to it, had against it. */
  readonly problem?: Problem;
}

const inspectBudgetMs = 2_000;
/** What Docker needs around the stop for networks, mounts and the start. */
const engineMarginMs = 20_000;
const maxLines = 10;
const maxLineLength = 300;
const logBounds = { tail: 200, maxBytes: 256 * 1024, budgetMs: 2_000 };

/**
 * Restarts one container and waits until it is well again. An error of the client says little, for Docker
 * goes on when nobody listens any more: after any error the container is looked at before a word is said.
 * Never throws.
 */
export async function restartReplica(
  docker: Docker,
  id: string,
  options: RestartOptions,
): Promise<RestartOutcome> {
  const began = Date.now();
  const check = (): Promise<Observation> => inspect(docker, id);
  const before = await check();
  const startedBefore = before.inspected === null ? null : readStartedAt(before.inspected);
  const finish = (end: End): Promise<RestartOutcome> =>
    describe(docker, { id, began, startedBefore, end });
  if (before.inspected === null) return finish({ result: 'unknown', observation: before });
  if (options.signal?.aborted) return finish({ result: 'not-restarted', observation: before });
  // Docker would start it, and somebody stopped it on purpose.
  const { Running: runs, Restarting: loops } = before.inspected.State;
  if (!runs && loops !== true) {
    return finish({ result: 'exited', observation: before, problem: stoppedBefore });
  }

  const asked = await requestRestart(docker, { ...options, id, startedBefore });
  if (!asked.restarted) return finish(asked);
  const deadline = Date.now() + options.healthyWithinMs;
  const end = await awaitHealthy(check, deadline, options.signal);
  return finish({ ...end, sinceMs: startOf(asked.observation) });
}

/** How it ended, and the last sight of the container. */
interface End {
  readonly result: RestartResult;
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
  let error: unknown;
  try {
    await withinBudget(budgetMs, (abortSignal) =>
      // dockerode would send the query's fields, signal and all, as the body too.
      docker.getContainer(id).restart({ abortSignal, _query: { t }, _body: {} }),
    );
  } catch (failure) {
    error = failure;
  }
  const problem =
    error === undefined ? undefined : toProblem(error, `container ${id.slice(0, 12)}`, 'restart');
  for (;;) {
    const observation = await inspect(docker, id);
    const restarted =
      observation.inspected !== null && readStartedAt(observation.inspected) !== startedBefore;
    if (restarted) return { restarted, result: 'starting', observation };
    const told =
      observation.inspected === null ? observation.gone : error === undefined || isFinal(error);
    if (told)
      return {
        restarted,
        result: unchanged(observation),
        observation,
        problem: problem ?? unproven,
      };
    if (Date.now() >= deadline) {
      return {
        restarted,
        result: 'unknown',
        observation,
        problem: unanswered(problem, 'restarts it'),
      };
    }
    await sleep(pollMs);
  }
}

const stoppedBefore: Problem = {
  kind: 'invalid',
  summary: 'It was stopped before its restart, and was left so.',
  fix: 'Start it with `docker start` if it has to run.',
};

const unproven: Problem = {
  kind: 'invalid',
  summary: 'Docker said that it restarted the container, but its start time did not change.',
  fix: 'Look at it with `docker ps`, and at the log of the engine.',
};

function unchanged({ inspected }: Observation): RestartResult {
  if (inspected === null) return 'unknown';
  return inspected.State.Running ? 'not-restarted' : 'exited';
}

async function inspect(docker: Docker, id: string): Promise<Observation> {
  try {
    const answer = await withinBudget(inspectBudgetMs, (abortSignal) =>
      docker.getContainer(id).inspect({ abortSignal }),
    );
    return { inspected: Inspected.parse(answer) };
  } catch (error) {
    const problem = toProblem(error, `container ${id.slice(0, 12)}`);
    return { inspected: null, gone: readStatus(error) === 404, problem };
  }
}

async function describe(
  docker: Docker,
  about: {
    readonly id: string;
    readonly began: number;
    readonly startedBefore: string | null;
    readonly end: End;
  },
): Promise<RestartOutcome> {
  const { id, began, startedBefore, end } = about;
  const { observation } = end;
  const { inspected } = observation;
  const problem = end.problem ?? (observation.inspected === null ? observation.problem : undefined);
  const output =
    inspected === null || end.result === 'healthy' ? null : readHealthOutput(inspected);
  const startedAfter = inspected === null ? null : readStartedAt(inspected);
  return {
    id: id.slice(0, 12),
    name: inspected?.Name.replace(/^\//, '') ?? id.slice(0, 12),
    result: end.result,
    startedBefore,
    startedAfter,
    tookMs: Date.now() - began,
    exitCode:
      inspected === null || inspected.State.Running ? null : (inspected.State.ExitCode ?? null),
    oomKilled: inspected?.State.OOMKilled ?? false,
    killed: await isKilled(docker, id, { startedBefore, startedAfter }),
    healthOutput: output === null ? null : toLine(output),
    lastLogLines: end.sinceMs === undefined ? [] : await readLastLines(docker, id, end.sinceMs),
    ...(problem !== undefined && { problem }),
  };
}

async function isKilled(
  docker: Docker,
  id: string,
  { startedBefore, startedAfter }: Pick<RestartOutcome, 'startedBefore' | 'startedAfter'>,
): Promise<boolean> {
  if (startedBefore === null || startedAfter === null || startedBefore === startedAfter) {
    return false;
  }
  return wasKilled(docker, id, { startedAt: startedBefore, endedBy: startedAfter });
}

function startOf({ inspected }: Observation): number {
  return inspected === null ? Number.NaN : Date.parse(readStartedAt(inspected) ?? '');
}

async function readLastLines(docker: Docker, id: string, sinceMs: number): Promise<string[]> {
  if (Number.isNaN(sinceMs)) return [];
  const { lines } = await readLogLines(docker, id, { ...logBounds, sinceMs });
  return joinEvents(lines)
    .slice(-maxLines)
    .map(({ text }) => toLine(text));
}

/** One line, redacted before it is cut: a secret cut in two is no longer recognised. */
function toLine(text: string): string {
  return cutCodePoints(redactText(text.trim()).replaceAll(/\s+/g, ' '), maxLineLength);
}
