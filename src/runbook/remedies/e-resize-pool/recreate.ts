import { uptimeOf } from '../../../timing.ts';
import type { PoolTarget, ReplicaTarget } from '../plan.ts';
import type { Item, RunControl } from '../remedy.ts';
import type { OptionEPorts, PoolEnvironment, PoolNumbers, RecreateOutcome } from './ports.ts';

const pauseMs = 5000;
/** Proxies give a call up after a minute, unless they are told otherwise; the engine itself knows no deadline. */
const lateWithinMs = 120_000;

interface Doubt {
  readonly replica: Pick<ReplicaTarget, 'id' | 'name'>;
  readonly told: RecreateOutcome;
}

/**
 * Until it is known what became of a container that Docker gave no answer about. A change that may still follow is not
 * undone because it is not seen: then it stays unknown.
 */
export async function checkAgain(
  { poolSettings, clock, healthyWithinMs }: OptionEPorts,
  control: Pick<RunControl, 'progress'>,
  { replica: { id, name }, told }: Doubt,
): Promise<RecreateOutcome> {
  const giveUpAt = uptimeOf(clock) + lateWithinMs;
  let known = told;
  while (mayPass(known) && uptimeOf(clock) < giveUpAt) {
    control.progress(`The state of ${name} is unknown. Checking again.`);
    await clock.sleep(pauseMs);
    const now = await poolSettings.settleReplica({ id, name }, healthyWithinMs);
    if (now.result === 'unknown') known = { ...known, ...now };
    else if (now.result !== 'untouched' || known.mayFollow === undefined) known = now;
  }
  return known;
}

function mayPass({ result, mayFollow, problem }: RecreateOutcome): boolean {
  if (result !== 'unknown') return false;
  return mayFollow === true || problem?.kind === 'timeout' || problem?.kind === 'unreachable';
}

/** One container of the plan, and what became of it; undefined where it was not reached. */
export interface ReplicaResult {
  readonly step: number;
  readonly replica: ReplicaTarget;
  /** What its container had before, to give it back; null where that was not seen. */
  readonly before: PoolEnvironment | null;
  readonly outcome: RecreateOutcome | undefined;
}

interface Turn {
  readonly step: number;
  readonly replica: Pick<ReplicaTarget, 'id' | 'name'>;
  readonly before: PoolEnvironment | null;
  readonly environment: PoolEnvironment;
}

/** Recreates one container, with its intent before and its result after it in the journal. */
export async function recreate(
  ports: OptionEPorts,
  control: RunControl,
  { step, replica: { id, name }, before, environment }: Turn,
): Promise<RecreateOutcome> {
  const { poolSettings, healthyWithinMs } = ports;
  // The numbers of before stay known after a crash, when no container has them any more.
  const facts = { replica: id, ...before };
  await control.intend({ step, sentence: `recreate ${name}`, facts });
  const told = await poolSettings.recreateReplica({ id, name }, { environment, healthyWithinMs });
  const outcome = await checkAgain(ports, control, { replica: { id, name }, told });
  await control.record({
    step,
    sentence: `${name}: ${outcome.result}`,
    facts: { result: outcome.result, id: outcome.id },
  });
  return outcome;
}

/** It runs, and with the numbers of the plan. */
export function hasNewNumbers({ outcome }: ReplicaResult, { to }: PoolTarget): boolean {
  return outcome !== undefined && outcome.result !== 'down' && hasNumbers(outcome.environment, to);
}

/** An overflow that is no variable of the container is not among its numbers. */
export function hasNumbers(environment: PoolEnvironment | null, numbers: PoolNumbers): boolean {
  return (
    environment?.poolSize === numbers.poolSize &&
    (environment.maxOverflow ?? numbers.maxOverflow) === numbers.maxOverflow
  );
}

/** The new numbers were tried here, and are the likeliest reason that the container did not come up. */
export function hasFailed({ outcome }: ReplicaResult): boolean {
  return outcome?.result === 'put back' || outcome?.result === 'down';
}

const words = {
  recreated: 'recreated',
  'put back': 'put back',
  untouched: 'not reached',
  down: 'failed',
  unknown: 'unknown',
} as const satisfies Record<RecreateOutcome['result'], Item['outcome']>;

const sentences: Readonly<Record<RecreateOutcome['result'], string>> = {
  recreated: 'It was recreated and is healthy.',
  'put back': 'The old container runs again.',
  untouched: 'It runs as before.',
  down: 'It is down and could not be started.',
  unknown: 'Its state is unknown.',
};

const endings: Readonly<Record<NonNullable<RecreateOutcome['ended']>, string>> = {
  healthy: 'The new container ignored the new numbers.',
  running: 'The new container ignored the new numbers.',
  unhealthy: 'The new container was unhealthy.',
  starting: 'The new container was not healthy in time.',
  'crash-loop': 'The new container kept crashing.',
  exited: 'The new container stopped.',
  'not-restarted': 'The new container did not start.',
  unknown: 'The new container could not be checked.',
};

/** What the report says of it. `halted` is why it was not reached. */
export function toItem({ replica, outcome }: ReplicaResult, halted: string | undefined): Item {
  const what = replica.name;
  if (outcome === undefined) {
    return {
      what,
      outcome: 'not reached',
      detail: `${halted ?? 'It was not reached'}.`,
      lines: [],
    };
  }
  const { result, ended, exitCode, problem, lastLogLines } = outcome;
  const failed = result === 'put back' || result === 'down';
  const parts = [
    ...(failed && ended !== null ? [endings[ended]] : []),
    ...(failed && exitCode !== null ? [`Its exit code was ${exitCode}.`] : []),
    sentences[result],
    ...(problem === undefined ? [] : [problem.summary, problem.fix ?? '']),
  ];
  const lines = failed ? lastLogLines.slice(-11) : [];
  return { what, outcome: words[result], detail: parts.join(' ').trim(), lines };
}
