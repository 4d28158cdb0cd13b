import type { ApprovalTarget } from '../runbook/approvals/context.ts';
import type { TargetAdapters } from '../runbook/loop/target-monitor.ts';
import { createOptionA } from '../runbook/remedies/a-terminate-idle/terminate-idle.ts';
import { createOptionB } from '../runbook/remedies/b-raise-max-connections/raise-max-connections.ts';
import { createHandOff } from '../runbook/remedies/by-hand/create-hand-off.ts';
import type { HandOffRemedy } from '../runbook/remedies/by-hand/create-hand-off.ts';
import {
  planOf,
  planningBlockers,
  planningConnection,
} from '../runbook/remedies/by-hand/planner.ts';
import type { PlannerPorts } from '../runbook/remedies/by-hand/planner.ts';
import { planRestarts } from '../runbook/remedies/c-restart-service/restart-by-hand.ts';
import { createOptionC } from '../runbook/remedies/c-restart-service/restart-service.ts';
import { createOptionD } from '../runbook/remedies/d-stop-blockers/stop-blockers.ts';
import { planResizes } from '../runbook/remedies/e-resize-pool/resize-by-hand.ts';
import { createOptionE } from '../runbook/remedies/e-resize-pool/resize-pool.ts';
import { createPreparedRollback } from '../runbook/remedies/prepared-transaction/rollback.ts';
import { createPrevention } from '../runbook/remedies/prevention/prevention.ts';
import type { Remedy } from '../runbook/remedies/remedy.ts';
import type { ReplicaPorts } from '../runbook/remedies/replicas/service-replicas.ts';
import { onItsServer } from '../runbook/remedies/same-server.ts';
import { takeSnapshotOf } from '../runbook/snapshot/take-snapshot.ts';

type ApprovalTargetParts = Pick<ReplicaPorts, 'clock' | 'refusedServices' | 'refusedContainers'>;

const times = {
  /** As `docker compose restart` has it. */
  stopTimeoutSeconds: 10,
  /** A service that starts slower than this has a health check that says so; then the row ends there. */
  healthyWithinMs: 60_000,
  /** Pools that were refused try again within this time, and then the next replica may go. */
  calmWithinMs: 30_000,
  /** Metrics are read again at each check; a new process shows them as soon as it serves. */
  shownWithinMs: 15_000,
  /** Before a server opens its port, its container may set up a volume; after this it is told of as silent. */
  silentForMs: 10 * 60_000,
  /** Pools that were cut off come back with the next request. */
  returnWithinMs: 60_000,
};

/** One target as approvals see it: the options whose parts are there. */
export function toApprovalTarget(
  adapters: TargetAdapters,
  parts: ApprovalTargetParts,
): ApprovalTarget {
  const { clock, refusedServices } = parts;
  const takeSnapshot: ApprovalTarget['takeSnapshot'] = () =>
    takeSnapshotOf({ ...adapters, clock }, adapters.target);
  const planner: PlannerPorts = {
    takeSnapshot,
    clock,
    get target() {
      return adapters.target;
    },
    refusedServices,
  };
  return {
    name: adapters.target.name,
    remedies: remediesOf({ ...adapters, ...parts, ...times, takeSnapshot }, adapters),
    handOffs: toHandOffs(adapters, planner),
    takeSnapshot,
    warningUtilisation: adapters.target.limits.warningUtilisation,
  };
}

type RemedyDeps = TargetAdapters & ApprovalTargetParts & typeof times & Extras;

interface Extras extends Pick<ApprovalTarget, 'takeSnapshot'> {
  /** A plan for a person: what the privileged role may is no matter. */
  readonly byHand?: boolean;
  readonly mostSessionsOfPlan?: number;
  readonly mostBlockersOfPlan?: number;
}

/** The options that can run for one target, in the runbook's order. One whose part is missing is not offered. */
function remediesOf(given: RemedyDeps, now: Pick<TargetAdapters, 'target'>): readonly Remedy[] {
  const deps: RemedyDeps = Object.defineProperty({ ...given }, 'target', {
    // Read each time: services may come and go while dbconn runs, and what is protected is learnt.
    get: () => now.target,
  });
  // Where dbconn cannot tell which server it is, these are not offered.
  const { readServer } = deps;
  const held = (remedy: Remedy): Remedy | false =>
    readServer !== undefined && onItsServer(remedy, readServer);
  return [
    has(deps, 'privileged') && createOptionA(deps),
    has(deps, 'serverSettings') && held(createOptionB(deps)),
    has(deps, 'restarts') && createOptionC(deps),
    has(deps, 'blockers') && createOptionD(deps),
    has(deps, 'poolSettings') && createOptionE(deps),
    has(deps, 'prepared') && held(createPreparedRollback(deps)),
    has(deps, 'timeouts') && has(deps, 'roleLimits') && held(createPrevention(deps)),
  ].filter((remedy) => remedy !== false);
}

function has<K extends keyof TargetAdapters>(
  deps: RemedyDeps,
  key: K,
): deps is RemedyDeps & { readonly [key in K]-?: NonNullable<TargetAdapters[key]> } {
  return deps[key] !== undefined;
}

/** More in one plan, and nobody reads the commands before running them. */
const forPeople = { byHand: true, mostSessionsOfPlan: 20, mostBlockersOfPlan: 3 } as const;

/** Every option of a target as a plan that a person runs, over what dbconn can read there. */
export function toHandOffs(
  adapters: TargetAdapters,
  ports: PlannerPorts,
): readonly HandOffRemedy[] {
  // Made at each call: what is protected is learnt while dbconn runs.
  const remedies = (): readonly Remedy[] => planningRemedies(adapters, ports);
  const planners = [
    ...remedies().map((first) =>
      planOf(
        first.option,
        () => remedies().find((remedy) => remedy.option === first.option) ?? first,
      ),
    ),
    planRestarts(ports),
    planResizes(ports),
  ];
  return planners.map((planner) => createHandOff(planner, ports));
}

/** Nothing here restarts anything: a person does that, with commands of their own. */
function planningRemedies(adapters: TargetAdapters, ports: PlannerPorts): readonly Remedy[] {
  const {
    planning,
    restarts: _restarts,
    poolSettings: _pools,
    serverHost: _host,
    ...rest
  } = adapters;
  const { privileged, blockers, ...read } = { ...planning, ...rest };
  const { target } = ports;
  const deps = {
    ...read,
    ...(privileged !== undefined && { privileged: planningConnection(privileged, target) }),
    ...(blockers !== undefined && { blockers: planningBlockers(blockers, target) }),
    ...ports,
    ...times,
    ...forPeople,
    silentForMs: 0,
    returnWithinMs: 0,
    refusedContainers: [],
  };
  return remediesOf(deps, { target });
}
