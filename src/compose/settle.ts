import type { RecreateOutcome, ReplicaName } from '../runbook/ports/pool-settings.ts';
import { remove, see } from './engine-calls.ts';
import { describe, missing, unknown } from './recreate-outcome.ts';
import type { Yard } from './recreate-outcome.ts';
import { attempt, foreign, isTwin, nameOf, restoreOld, untilWell } from './restore-old.ts';

/**
 * Ends what a crash broke off, so that one container of the replica is left: the new one where it is well, else
 * the old one. Never throws.
 */
export async function settleReplica(
  yard: Yard,
  replica: ReplicaName,
  healthyWithinMs: number,
): Promise<RecreateOutcome> {
  const { docker } = yard;
  const [old, named] = await Promise.all([see(docker, replica.id), see(docker, replica.name)]);
  const problem = old.problem ?? named.problem;
  if (problem !== undefined) return unknown(problem);
  if (old.found === null) {
    if (named.found === null) return unknown(missing(replica));
    const result = named.found.State.Running ? 'recreated' : 'down';
    return describe(yard, { result, seen: named.found });
  }
  if (named.found === null || named.found.Id === old.found.Id) {
    return old.found.State.Running && nameOf(old.found) === replica.name
      ? describe(yard, { result: 'untouched', seen: old.found })
      : restoreOld(yard, old.found, { healthyWithinMs, name: replica.name });
  }
  if (!isTwin(named.found, old.found)) return unknown(foreign(replica.name));
  if (named.found.State.Running) {
    const { result, sight } = await untilWell(docker, named.found.Id, healthyWithinMs);
    if ((result === 'healthy' || result === 'running') && sight.seen !== null) {
      const left = await attempt(() => remove(docker, replica.id), `the old ${replica.name}`);
      return describe(yard, { result: 'recreated', seen: named.found, ...left });
    }
  }
  return restoreOld(yard, old.found, { healthyWithinMs, name: replica.name });
}
