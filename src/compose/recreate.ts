import type Docker from 'dockerode';
import type {
  PoolEnvironment,
  RecreateOutcome,
  Recreation,
  ReplicaName,
} from '../runbook/ports/pool-settings.ts';
import { create, readImageId, remove, rename, see, start, stop } from './engine-calls.ts';
import { toProblem } from './failure.ts';
import { describe, missing, readEnvironment, unknown } from './recreate-outcome.ts';
import { toRecreateSpec } from './recreate-spec.ts';
import type { Recreatable } from './recreate-spec.ts';
import { attempt, nameOf, restoreOld, untilWell } from './restore-old.ts';
import type { Trial } from './restore-old.ts';

/**
 * Makes a container anew with other pool numbers, everything else as it was. The old one is stopped before the new
 * one starts: it gives its ports and its connections back, and a server in trouble never sees both pools. It is
 * removed only after the new one is well; else the new one is removed and the old one started again. Never throws.
 */
export async function recreateReplica(
  docker: Docker,
  replica: ReplicaName,
  wanted: Recreation,
): Promise<RecreateOutcome> {
  const { found: old, problem } = await see(docker, replica.id);
  if (old === null) return unknown(problem ?? missing(replica));
  const trial = await tryNew(docker, old, wanted);
  if (trial.well === undefined) return restoreOld(docker, old, { ...wanted, trial });
  const left = await attempt(() => remove(docker, old.Id), `the old container of ${replica.name}`);
  return describe('recreated', trial.well, left === undefined ? {} : { problem: left });
}

async function tryNew(docker: Docker, old: Recreatable, wanted: Recreation): Promise<Trial> {
  const name = nameOf(old);
  try {
    const image = await readImageId(docker, old.Config.Image);
    const spec = toRecreateSpec(old, wanted.environment, image);
    await rename(docker, old.Id, `${name}-dbconn-old-${old.Id.slice(0, 6)}`);
    // A specification that is refused costs no downtime: the old container still runs.
    const id = await create(docker, spec);
    await stop(docker, old);
    await start(docker, id);
    const { result, sight } = await untilWell(docker, id, wanted.healthyWithinMs);
    const state = sight.seen?.State;
    const exitCode = state === undefined || state.Running ? null : (state.ExitCode ?? null);
    const fresh = await see(docker, id);
    const isWell = result === 'healthy' || result === 'running';
    return isWell && fresh.found !== null && has(fresh.found, wanted.environment)
      ? { well: fresh.found, ended: result, exitCode }
      : { ended: result, exitCode };
  } catch (error) {
    return {
      ended: null,
      exitCode: null,
      problem: toProblem(error, `container ${name}`, 'recreate'),
    };
  }
}

function has(seen: Recreatable, wanted: PoolEnvironment): boolean {
  const { poolSize, maxOverflow } = readEnvironment(seen);
  return poolSize === wanted.poolSize && maxOverflow === wanted.maxOverflow;
}
