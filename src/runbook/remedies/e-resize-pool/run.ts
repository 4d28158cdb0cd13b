import type { Plan, PoolTarget, ReplicaTarget } from '../plan.ts';
import { PrivilegedUnavailable } from '../remedy.ts';
import type { Report, RunControl } from '../remedy.ts';
import { awaitCalm, readReplicas, stopped, replicasOf } from '../replicas/service-replicas.ts';
import { firstReplicaStep } from './draft.ts';
import { endResize } from './end.ts';
import { poolOf, resizeOf } from './ports.ts';
import type { OptionEPorts, PoolEnvironment } from './ports.ts';
import { hasNewNumbers, recreate } from './recreate.ts';
import type { ReplicaResult } from './recreate.ts';

interface NextContainer {
  readonly pool: PoolTarget;
  readonly replica: ReplicaTarget;
  readonly isFirst: boolean;
}

/**
 * Waits until the next container may be recreated, or says why it may not. The first one gives slots back to a full
 * server, so the governor rules only from the second on.
 */
async function whyHalted(
  ports: OptionEPorts,
  control: RunControl,
  { pool, replica, isFirst }: NextContainer,
): Promise<string | undefined> {
  if (isFirst) return (await control.isStopped()) ? stopped : undefined;
  const { workers = 1 } = ports.target.services.find(({ name }) => name === pool.service) ?? {};
  const mayOpen = workers * (pool.to.poolSize + pool.to.maxOverflow);
  const calm = await awaitCalm(ports, control, () => ({ holds: replica.connections, mayOpen }));
  return typeof calm === 'string' ? calm : undefined;
}

interface ResizeRun {
  readonly plan: Plan;
  readonly left: Plan['targets'];
  readonly control: RunControl;
}

/**
 * Writes the numbers, then recreates container after container, each healthy before the next. Numbers a container
 * does not start with are taken back everywhere. A storm that does not calm and an emergency stop end the row;
 * what was not reached keeps running as it was.
 */
export async function runResize(ports: OptionEPorts, run: ResizeRun): Promise<Report> {
  const { plan, control } = run;
  const { poolSettings } = ports;
  const pool = poolOf(plan);
  const planned = await poolSettings.planEdit(resizeOf(plan));
  if (!planned.ok) throw new PrivilegedUnavailable(planned.problem.summary);
  const { edit, set, file } = planned.value;
  if (edit.oldSha256 !== pool.envSha256 || file !== pool.file) {
    const why = `${pool.file} was edited since the plan was made, so dbconn did not change it.`;
    throw new PrivilegedUnavailable(why);
  }
  await control.intend({ step: 0, sentence: `keep a copy of ${file}`, facts: { ...edit } });
  await poolSettings.keepCopy(edit);
  await control.record({ step: 0, sentence: `A copy of ${file} is kept` });
  await control.intend({ step: 1, sentence: `write the numbers into ${file}` });
  await poolSettings.writeEdit(edit, set);
  await control.record({ step: 1, sentence: `${file} has the new numbers` });
  const { replicaResults, halted } = await recreateAll(ports, run);
  return endResize(ports, { plan, control, edit, replicaResults, halted });
}

interface Row {
  readonly replicaResults: readonly ReplicaResult[];
  /** Why the row ended before its end. */
  readonly halted: string | undefined;
}

async function recreateAll(ports: OptionEPorts, { plan, left, control }: ResizeRun): Promise<Row> {
  const pool = poolOf(plan);
  const planned = replicasOf(plan.targets);
  const befores = await readEnvironments(ports, pool);
  const replicaResults: ReplicaResult[] = [];
  let halted: string | undefined;
  for (const replica of replicasOf(left)) {
    const step = firstReplicaStep + planned.findIndex(({ id }) => id === replica.id);
    halted ??= await whyHalted(ports, control, {
      pool,
      replica,
      isFirst: replicaResults.length === 0,
    });
    const before = befores.get(replica.id) ?? null;
    if (halted !== undefined) {
      replicaResults.push({ step, replica, before, outcome: undefined });
      continue;
    }
    const { poolSize, maxOverflow } = pool.to;
    const outcome = await recreate(ports, control, {
      step,
      replica,
      before,
      environment: { poolSize, maxOverflow },
    });
    const replicaResult = { step, replica, before, outcome };
    replicaResults.push(replicaResult);
    if (!hasNewNumbers(replicaResult, pool))
      halted = `${replica.name} did not come up with the new numbers`;
  }
  return { replicaResults, halted };
}

async function readEnvironments(
  { takeSnapshot }: OptionEPorts,
  { service }: PoolTarget,
): Promise<ReadonlyMap<string, PoolEnvironment>> {
  const replicas = readReplicas(await takeSnapshot(), service);
  if (!replicas.ok) return new Map();
  return new Map(
    replicas.value.map(({ id, pool: { size, maxOverflow } }) => [
      id,
      { poolSize: size, maxOverflow },
    ]),
  );
}
