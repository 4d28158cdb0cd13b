import type { ReplicaReading, Snapshot } from '../../snapshot/snapshot.ts';
import type { OptionCPorts } from '../c-restart-service/ports.ts';
import type { Plan } from '../plan.ts';
import type { Item } from '../report.ts';
import { findOrphans, reportOrphans } from './restart-orphans.ts';
import type { OldProcess } from './restart-orphans.ts';
import { countOfService, isOfService } from './service-sessions.ts';
import type { ReplicaTarget } from '../targets/replica.ts';

/** Outcomes after which the old process is gone. */
export const hasNewProcess: ReadonlySet<Item['outcome']> = new Set([
  'restarted',
  'unhealthy',
  'crash loop',
]);

interface Afterwards {
  readonly plan: Plan;
  readonly snapshot: Snapshot;
  readonly old: readonly OldProcess[];
}

/** What the old processes left running in PostgreSQL. */
export function leftBehind(
  ports: OptionCPorts,
  { plan, snapshot, old }: Afterwards,
): ReturnType<typeof reportOrphans> {
  const service = serviceOf(ports, plan);
  const nowMs = ports.clock.now();
  return reportOrphans(
    service === undefined
      ? []
      : findOrphans(snapshot, isOfService(snapshot, ports.target, service.name), { old, nowMs }),
  );
}

/** Where a replica of the plan was reached in that look. */
export function addressesOf(snapshot: Snapshot, plan: Plan, id: string): readonly string[] {
  return findReplicas(snapshot, plan).find((replica) => replica.id === id)?.addresses ?? [];
}

/** How many sessions the service had in that look; null when it cannot be told. */
export function countIn(ports: OptionCPorts, plan: Plan, snapshot: Snapshot): number | null {
  const service = serviceOf(ports, plan);
  if (service === undefined) return null;
  return countOfService(snapshot, ports.target, service.name);
}

/** The configured service the plan is about; undefined when it is configured no more. */
export function serviceOf(
  { target }: OptionCPorts,
  { ask }: Plan,
): OptionCPorts['target']['services'][number] | undefined {
  return ask.kind === 'restart'
    ? target.services.find(({ name }) => name === ask.service)
    : undefined;
}

/** The replicas of the plan’s service that a look saw. */
export function findReplicas(
  { services }: Pick<Snapshot, 'services'>,
  { ask }: Plan,
): readonly ReplicaReading[] {
  if (!services.ok || ask.kind !== 'restart') return [];
  return services.value.services.find(({ name }) => name === ask.service)?.replicas ?? [];
}

/** The replicas among a plan’s targets. */
export function replicasOf(targets: Plan['targets']): ReplicaTarget[] {
  return targets.filter((target) => target.kind === 'replica');
}
