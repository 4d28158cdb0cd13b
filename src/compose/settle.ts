import type { RecreateOutcome, ReplicaName } from '../runbook/ports/pool-settings.ts';
import { remove, inspectContainer } from '../docker/recreate/engine-calls.ts';
import { describe, missing, unknown } from './recreate-outcome.ts';
import type { RecreateContext } from './recreate-outcome.ts';
import { attempt, foreign, isTwin, nameOf, restoreOld, untilWell } from './restore-old.ts';

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
  const problem = old.problem ?? named.problem;
  if (problem !== undefined) return unknown(problem);
  if (old.found === null) {
    if (named.found === null) return unknown(missing(replica));
    const result = named.found.State.Running ? 'recreated' : 'down';
    return describe(context, { result, inspected: named.found });
  }
  if (named.found === null || named.found.Id === old.found.Id) {
    return old.found.State.Running && nameOf(old.found) === replica.name
      ? describe(context, { result: 'untouched', inspected: old.found })
      : restoreOld(context, old.found, { healthyWithinMs, name: replica.name });
  }
  if (!isTwin(named.found, old.found)) return unknown(foreign(replica.name));
  if (named.found.State.Running) {
    const { result, observation } = await untilWell(docker, named.found.Id, healthyWithinMs);
    if ((result === 'healthy' || result === 'running') && observation.inspected !== null) {
      const left = await attempt(() => remove(docker, replica.id), `the old ${replica.name}`);
      return describe(context, { result: 'recreated', inspected: named.found, ...left });
    }
  }
  return restoreOld(context, old.found, { healthyWithinMs, name: replica.name });
}
