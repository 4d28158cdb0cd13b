import type Docker from 'dockerode';
import type {
  PoolEnvironment,
  RecreateOutcome,
  ReplicaName,
} from '../../runbook/remedies/e-resize-pool/ports.ts';
import type { Problem } from '../../runbook/snapshot/snapshot.ts';
import type { ServiceConfig } from '../../runbook/snapshot/target.ts';
import { awaitHealthy, readLastWords } from '../after-start.ts';
import type { Observation } from '../containers.ts';
import { Unanswered, toProblem } from '../failure.ts';
import { readPoolSettings } from '../pool-settings.ts';
import type { Recreatable } from './container-spec.ts';
import { inspectContainer, remove, rename, start, stop } from './engine-calls.ts';

/** Where containers are recreated, and what their services call their pools' numbers. */
export interface RecreateContext {
  readonly docker: Docker;
  readonly services: readonly ServiceConfig[];
}

const unchanged = { ended: null, exitCode: null, lastLogLines: [] };

interface OutcomeParts extends Partial<RecreateOutcome> {
  readonly result: RecreateOutcome['result'];
  readonly inspected: Recreatable;
}

/** What became of a replica, told by the container that has its name. */
export function describe(
  context: RecreateContext,
  { inspected, ...told }: OutcomeParts,
): RecreateOutcome {
  const environment = readEnvironment(context, inspected);
  return { ...unchanged, id: inspected.Id.slice(0, 12), environment, ...told };
}

export function unknown(problem: Problem): RecreateOutcome {
  return { ...unchanged, result: 'unknown', id: null, environment: null, problem };
}

export function readEnvironment(context: RecreateContext, inspected: Recreatable): PoolEnvironment {
  const { size, maxOverflow } = readPoolSettings(
    inspected.Config.Env ?? [],
    namingOf(context, inspected),
  );
  return { poolSize: size, maxOverflow };
}

/** What is configured of the service a container belongs to. */
export function namingOf(
  { services }: Pick<RecreateContext, 'services'>,
  { Config: { Labels: labels } }: Pick<Recreatable, 'Config'>,
): ServiceConfig | undefined {
  return services.find(({ name }) => name === labels?.['com.docker.compose.service']);
}

/** Why a replica's container cannot be told of. */
export function whyUnknown({ gone, problem }: Observation<unknown>, replica: ReplicaName): Problem {
  return gone === true || problem === undefined ? missing(replica) : problem;
}

export function missing({ name }: ReplicaName): Problem {
  return {
    kind: 'missing',
    summary: `Docker knows no container ${name}.`,
    fix: 'It was removed or replaced. See `docker compose ps -a`.',
  };
}

/** How far the new container came: well, or how it ended, or what Docker had against it. */
export interface Trial {
  readonly well?: Recreatable;
  readonly ended: RecreateOutcome['ended'];
  readonly exitCode: number | null;
  readonly objection?: Objection;
}

/** What Docker had against a change. */
interface Objection {
  readonly problem: Problem;
  /** It has not answered, and may still make it. */
  readonly mayFollow?: true;
}

interface Restoring {
  readonly healthyWithinMs: number;
  /** The name it is to have again; its present one where that is right. */
  readonly name?: string;
  readonly trial?: Trial;
}

/** Removes whatever took the old container's name, and brings the old one back under it. */
export async function restoreOld(
  context: RecreateContext,
  old: Recreatable,
  { healthyWithinMs, name = nameOf(old), trial }: Restoring,
): Promise<RecreateOutcome> {
  const { docker } = context;
  const objections: (Objection | undefined)[] = [];
  const named = await inspectContainer(docker, name);
  const other =
    named.inspected !== null && named.inspected.Id !== old.Id ? named.inspected : undefined;
  if (other !== undefined && !isTwin(other, old)) return unknown(foreign(name));
  const lastLogLines = other === undefined ? [] : await readLastWords(docker, other);
  if (other !== undefined) objections.push(await discard(docker, other));
  const now = await inspectContainer(docker, old.Id);
  if (now.inspected !== null && nameOf(now.inspected) !== name) {
    objections.push(await attempt(() => rename(docker, old.Id, name), `container ${name}`));
  }
  let starting: Objection | undefined;
  // Whatever failed above, a service that is down is worse than one under an odd name.
  if (now.inspected?.State.Running !== true) {
    starting = await attempt(() => start(docker, old.Id), `container ${name}`);
  }
  await awaitHealthy(docker, old.Id, healthyWithinMs);
  let back = await inspectContainer(docker, old.Id);
  let hasStopped = false;
  if (back.inspected?.State.Running === false) {
    // A stop that Docker did not answer in time has come true only now.
    hasStopped = true;
    starting = await attempt(() => start(docker, old.Id), `container ${name}`);
    await awaitHealthy(docker, old.Id, healthyWithinMs);
    back = await inspectContainer(docker, old.Id);
  }
  const tried = trial?.objection;
  objections.unshift(hasStopped && tried !== undefined ? { problem: tried.problem } : tried);
  if (back.inspected?.State.Running !== true) objections.push(starting);
  const late = objections.find((one) => one?.mayFollow);
  const told = {
    lastLogLines,
    ended: trial?.ended ?? null,
    exitCode: trial?.exitCode ?? null,
    ...(late ?? objections.find((one) => one !== undefined)),
  };
  if (back.inspected === null) {
    return { ...unknown(whyUnknown(back, { id: old.Id, name })), ...told };
  }
  const result =
    late !== undefined ? 'unknown' : back.inspected.State.Running ? 'put back' : 'down';
  return describe(context, { result, inspected: back.inspected, ...told });
}

/** One that cannot be removed must at least not run beside the old one. */
async function discard(docker: Docker, fresh: Recreatable): Promise<Objection | undefined> {
  const what = `the new container of ${nameOf(fresh)}`;
  const objection = await attempt(() => remove(docker, fresh.Id), what);
  if (objection !== undefined) await attempt(() => stop(docker, fresh), what);
  return objection;
}

/** What Docker had against it; undefined when it was done. */
export async function attempt(
  work: () => Promise<void>,
  what: string,
): Promise<Objection | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return toObjection(error, what);
  }
}

export function toObjection(error: unknown, what: string): Objection {
  const problem = toProblem(error, what, 'recreate');
  return { problem, ...(error instanceof Unanswered && { mayFollow: true }) };
}

export function nameOf({ Name: name }: Recreatable): string {
  return name.replace(/^\//, '');
}

/** Made by us: somebody else's work has other labels, the hash of the compose file it was made from. */
export function isTwin(a: Recreatable, b: Recreatable): boolean {
  const [one, other] = [a.Config.Labels ?? {}, b.Config.Labels ?? {}];
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
}

export function foreign(name: string): Problem {
  return {
    kind: 'invalid',
    summary: `Somebody else recreated ${name} meanwhile; its old container was left alone.`,
    fix: 'Find the container whose name ends in -dbconn-old-… with `docker ps -a`, and remove it.',
  };
}
