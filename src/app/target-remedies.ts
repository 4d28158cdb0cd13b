import type { ApprovalTarget } from '../runbook/approvals/context.ts';
import type { TargetAdapters } from '../runbook/loop/target-monitor.ts';
import { createOptionA } from '../runbook/remedies/a-terminate-idle/terminate-idle.ts';
import type { OptionAPorts } from '../runbook/remedies/a-terminate-idle/terminate-idle.ts';
import type { OptionBPorts } from '../runbook/remedies/b-raise-max-connections/ports.ts';
import { createOptionB } from '../runbook/remedies/b-raise-max-connections/raise-max-connections.ts';
import { createHandOff } from '../runbook/remedies/by-hand/create-hand-off.ts';
import type { HandOffRemedy } from '../runbook/remedies/by-hand/create-hand-off.ts';
import {
  planOf,
  planningBlockers,
  planningConnection,
} from '../runbook/remedies/by-hand/planner.ts';
import type { PlannerPorts } from '../runbook/remedies/by-hand/planner.ts';
import type { OptionCPorts } from '../runbook/remedies/c-restart-service/ports.ts';
import { planRestarts } from '../runbook/remedies/c-restart-service/restart-by-hand.ts';
import { createOptionC } from '../runbook/remedies/c-restart-service/restart-service.ts';
import type { OptionDPorts } from '../runbook/remedies/d-stop-blockers/same-blocker.ts';
import { createOptionD } from '../runbook/remedies/d-stop-blockers/stop-blockers.ts';
import type { OptionEPorts } from '../runbook/remedies/e-resize-pool/ports.ts';
import { planResizes } from '../runbook/remedies/e-resize-pool/resize-by-hand.ts';
import { createOptionE } from '../runbook/remedies/e-resize-pool/resize-pool.ts';
import { createPreparedRollback } from '../runbook/remedies/prepared-transaction/rollback.ts';
import type { PreparedPorts } from '../runbook/remedies/prepared-transaction/rollback.ts';
import { createPrevention } from '../runbook/remedies/prevention/prevention.ts';
import type { PreventionPorts } from '../runbook/remedies/prevention/prevention.ts';
import type { Remedy } from '../runbook/remedies/remedy.ts';
import { takeSnapshotOf } from '../runbook/snapshot/take-snapshot.ts';
import type { Target } from '../runbook/snapshot/target.ts';
import type { Clock } from '../timing.ts';

/** What reaches one target to change it. An option whose part is missing is not offered. */
interface CatalogueParts {
  readonly optionA?: OptionAPorts;
  readonly optionB?: OptionBPorts;
  readonly optionC?: OptionCPorts;
  readonly optionD?: OptionDPorts;
  readonly optionE?: OptionEPorts;
  readonly prepared?: PreparedPorts;
  readonly prevention?: PreventionPorts;
}

/** The options that can run for one target, in the runbook's order. */
export function createCatalogue({
  optionA,
  optionB,
  optionC,
  optionD,
  optionE,
  prepared,
  prevention,
}: CatalogueParts): readonly Remedy[] {
  return [
    ...(optionA === undefined ? [] : [createOptionA(optionA)]),
    ...(optionB === undefined ? [] : [createOptionB(optionB)]),
    ...(optionC === undefined ? [] : [createOptionC(optionC)]),
    ...(optionD === undefined ? [] : [createOptionD(optionD)]),
    ...(optionE === undefined ? [] : [createOptionE(optionE)]),
    ...(prepared === undefined ? [] : [createPreparedRollback(prepared)]),
    ...(prevention === undefined ? [] : [createPrevention(prevention)]),
  ];
}

/** More in one plan, and nobody reads the commands before running them. */
const mostSessions = 20;
const mostBlockers = 3;

/** Every option of a target as a plan that a person runs, over what dbconn can read there. */
export function toHandOffs(
  adapters: TargetAdapters,
  ports: PlannerPorts,
): readonly HandOffRemedy[] {
  // Made at each call: what is protected is learnt while dbconn runs.
  const remedies = (): readonly Remedy[] => createCatalogue(planningParts(adapters, ports));
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

function planningParts(
  { planning = {}, ...adapters }: TargetAdapters,
  { clock, takeSnapshot, target }: PlannerPorts,
): CatalogueParts {
  const { privileged, blockers, prepared, timeouts, roleLimits, serverSettings } = {
    ...planning,
    ...adapters,
  };
  const byHand = true;
  return {
    ...(privileged !== undefined && {
      optionA: {
        privileged: planningConnection(privileged, target),
        clock,
        target,
        atMost: mostSessions,
      },
    }),
    ...(serverSettings !== undefined && {
      optionB: {
        settings: serverSettings,
        takeSnapshot,
        clock,
        target,
        silentForMs: 0,
        returnWithinMs: 0,
        byHand,
      },
    }),
    ...(blockers !== undefined && {
      optionD: {
        blockers: planningBlockers(blockers, target),
        clock,
        target,
        atMost: mostBlockers,
      },
    }),
    ...(prepared !== undefined && { prepared: { prepared, clock, target, byHand } }),
    ...(timeouts !== undefined &&
      roleLimits !== undefined && {
        prevention: { timeouts, roleLimits, clock, target, byHand },
      }),
  };
}

interface ApprovalTargetParts {
  readonly clock: Clock;
  /** Services option C never restarts, although configured. */
  readonly refusedServices: readonly string[];
  /** The beginnings of ids of containers it never restarts: the one dbconn runs in. */
  readonly refusedContainers: readonly string[];
}

/** As `docker compose restart` has it. */
const stopTimeoutSeconds = 10;
/** A service that starts slower than this has a health check that says so; then the row ends there. */
const healthyWithinMs = 60_000;
/** Pools that were refused try again within this time, and then the next replica may go. */
const calmWithinMs = 30_000;
/** Metrics are read anew at each look; a new process shows them as soon as it serves. */
const shownWithinMs = 15_000;

/** Before a server opens its port, its container may set up a volume; after this it is told of as silent. */
const silentForMs = 10 * 60_000;
/** Pools that were cut off come back with the next request. */
const returnWithinMs = 60_000;

/** One target as approvals see it: the options whose parts are there. */
export function toApprovalTarget(
  adapters: TargetAdapters,
  parts: ApprovalTargetParts,
): ApprovalTarget {
  const takeSnapshot: ApprovalTarget['takeSnapshot'] = () => {
    return takeSnapshotOf({ ...adapters, clock: parts.clock }, adapters.target);
  };
  return {
    name: adapters.target.name,
    remedies: remediesOf(adapters, parts, takeSnapshot),
    handOffs: toHandOffs(adapters, {
      takeSnapshot,
      clock: parts.clock,
      get target() {
        return adapters.target;
      },
      refusedServices: parts.refusedServices,
    }),
    takeSnapshot,
    warningUtilisation: adapters.target.limits.warningUtilisation,
  };
}

function remediesOf(
  adapters: TargetAdapters,
  { clock, refusedServices, refusedContainers }: ApprovalTargetParts,
  takeSnapshot: ApprovalTarget['takeSnapshot'],
): readonly Remedy[] {
  const { privileged, blockers, poolSettings, restarts } = adapters;
  const now = (): Target => adapters.target;
  return createCatalogue({
    ...(privileged !== undefined && {
      optionA: {
        privileged,
        clock,
        get target() {
          return now();
        },
      },
    }),
    ...optionBOf(adapters, clock, takeSnapshot),
    ...(restarts !== undefined && {
      optionC: {
        restarts,
        takeSnapshot,
        clock,
        // Read each time: services may come and go while dbconn runs.
        get target() {
          return now();
        },
        refusedServices,
        refusedContainers,
        stopTimeoutSeconds,
        healthyWithinMs,
        calmWithinMs,
      },
    }),
    ...(blockers !== undefined && {
      optionD: {
        blockers,
        clock,
        get target() {
          return now();
        },
      },
    }),
    ...(poolSettings !== undefined && {
      optionE: {
        settings: poolSettings,
        takeSnapshot,
        clock,
        get target() {
          return now();
        },
        refusedServices,
        refusedContainers,
        healthyWithinMs,
        calmWithinMs,
        shownWithinMs,
      },
    }),
    ...beyondTheLetters(adapters, clock),
  });
}

function beyondTheLetters(
  { target, prepared, timeouts, roleLimits }: TargetAdapters,
  clock: Clock,
): Pick<CatalogueParts, 'prepared' | 'prevention'> {
  return {
    ...(prepared !== undefined && { prepared: { prepared, clock, target } }),
    ...(timeouts !== undefined &&
      roleLimits !== undefined && { prevention: { timeouts, roleLimits, clock, target } }),
  };
}

function optionBOf(
  adapters: TargetAdapters,
  clock: Clock,
  takeSnapshot: ApprovalTarget['takeSnapshot'],
): Pick<CatalogueParts, 'optionB'> {
  const { serverHost: host, serverSettings: settings } = adapters;
  if (settings === undefined) return {};
  return {
    optionB: {
      settings,
      ...(host !== undefined && { host }),
      takeSnapshot,
      clock,
      get target() {
        return adapters.target;
      },
      silentForMs,
      returnWithinMs,
    },
  };
}
