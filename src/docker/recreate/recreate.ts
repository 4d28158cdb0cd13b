import type {
  PoolEnvironment,
  RecreateOutcome,
  Recreation,
  ReplicaName,
} from '../../runbook/remedies/e-resize-pool/ports.ts';
import { awaitHealthy } from '../after-start.ts';
import { readPoolVariables } from '../pool-settings.ts';
import { toRecreateSpec } from './container-spec.ts';
import type { Recreatable } from './container-spec.ts';
import {
  create,
  inspectContainer,
  readImageId,
  remove,
  rename,
  start,
  stop,
} from './engine-calls.ts';
import {
  attempt,
  describe,
  foreign,
  isTwin,
  missing,
  nameOf,
  namingOf,
  readEnvironment,
  restoreOld,
  toObjection,
  unknown,
  whyUnknown,
} from './restore-old.ts';
import type { RecreateContext, Trial } from './restore-old.ts';

/**
 * Recreates a container with other pool numbers, everything else as it was. The old one is stopped before the new
 * one starts: it gives its ports and its connections back, and a server in trouble never sees both pools. It is
 * removed only after the new one is well; else the new one is removed and the old one started again. Never throws.
 */
export async function recreateReplica(
  context: RecreateContext,
  replica: ReplicaName,
  wanted: Recreation,
): Promise<RecreateOutcome> {
  const { docker } = context;
  const before = await inspectContainer(docker, replica.id);
  const { inspected: old } = before;
  if (old === null) return unknown(whyUnknown(before, replica));
  const trial = await tryNew(context, old, wanted);
  if (trial.well === undefined) return restoreOld(context, old, { ...wanted, trial });
  const left = await attempt(() => remove(docker, old.Id), `the old container of ${replica.name}`);
  return describe(context, { result: 'recreated', inspected: trial.well, ...left });
}

async function tryNew(
  context: RecreateContext,
  old: Recreatable,
  wanted: Recreation,
): Promise<Trial> {
  const { docker } = context;
  const name = nameOf(old);
  try {
    const image = await readImageId(docker, old.Config.Image);
    const spec = toRecreateSpec(old, toVariables(context, old, wanted.environment), image);
    await rename(docker, old.Id, `${name}-dbconn-old-${old.Id.slice(0, 6)}`);
    // A specification that is refused costs no downtime: the old container still runs.
    const id = await create(docker, spec);
    await stop(docker, old);
    await start(docker, id);
    const { result, observation } = await awaitHealthy(docker, id, wanted.healthyWithinMs);
    const state = observation.inspected?.State;
    const exitCode = state === undefined || state.Running ? null : (state.ExitCode ?? null);
    const fresh = await inspectContainer(docker, id);
    const isWell = result === 'healthy' || result === 'running';
    return isWell && fresh.inspected !== null && has(context, fresh.inspected, wanted.environment)
      ? { well: fresh.inspected, ended: result, exitCode }
      : { ended: result, exitCode };
  } catch (error) {
    return { ended: null, exitCode: null, objection: toObjection(error, `container ${name}`) };
  }
}

/** By the names this container has for them: a number it has no variable for is not among them. */
function toVariables(
  context: RecreateContext,
  old: Recreatable,
  { poolSize, maxOverflow }: PoolEnvironment,
): Readonly<Record<string, number | null>> {
  const { size, overflow } = readPoolVariables(old.Config.Env ?? [], namingOf(context, old));
  return {
    ...(size !== undefined && { [size]: poolSize }),
    ...(overflow !== undefined && { [overflow]: maxOverflow }),
  };
}

function has(context: RecreateContext, inspected: Recreatable, wanted: PoolEnvironment): boolean {
  const { poolSize, maxOverflow } = readEnvironment(context, inspected);
  return poolSize === wanted.poolSize && (maxOverflow ?? wanted.maxOverflow) === wanted.maxOverflow;
}

/**
 * Ends what a crash broke off, so that one container of the replica is left: the new one where it is well, else
 * the old one. Never throws.
 */
export async function settleReplica(
  context: RecreateContext,
  replica: ReplicaName,
  healthyWithinMs: number,
): Promise<RecreateOutcome> {
  const { docker } = context;
  const [old, named] = await Promise.all([
    inspectContainer(docker, replica.id),
    inspectContainer(docker, replica.name),
  ]);
  const unread = [old, named].find(({ gone }) => gone === false);
  if (unread?.problem !== undefined) return unknown(unread.problem);
  if (old.inspected === null) {
    if (named.inspected === null) return unknown(missing(replica));
    const result = named.inspected.State.Running ? 'recreated' : 'down';
    return describe(context, { result, inspected: named.inspected });
  }
  if (named.inspected === null || named.inspected.Id === old.inspected.Id) {
    return old.inspected.State.Running && nameOf(old.inspected) === replica.name
      ? describe(context, { result: 'untouched', inspected: old.inspected })
      : restoreOld(context, old.inspected, { healthyWithinMs, name: replica.name });
  }
  if (!isTwin(named.inspected, old.inspected)) return unknown(foreign(replica.name));
  if (named.inspected.State.Running) {
    const { result, observation } = await awaitHealthy(docker, named.inspected.Id, healthyWithinMs);
    if ((result === 'healthy' || result === 'running') && observation.inspected !== null) {
      const left = await attempt(() => remove(docker, replica.id), `the old ${replica.name}`);
      return describe(context, { result: 'recreated', inspected: named.inspected, ...left });
    }
  }
  return restoreOld(context, old.inspected, { healthyWithinMs, name: replica.name });
}
