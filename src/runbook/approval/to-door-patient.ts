import { takeSnapshotOf } from '../look.ts';
import type { Clock } from '../snapshot/ports.ts';
import { createCatalogue } from '../remedies/catalogue.ts';
import type { CatalogueParts } from '../remedies/catalogue.ts';
import type { Remedy } from '../remedies/remedy.ts';
import type { TargetAdapters } from '../loop/target-monitor.ts';
import type { Target } from '../snapshot/target.ts';
import type { ApprovalTarget } from './door-ports.ts';
import { toHandOffs } from './to-hand-offs.ts';

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

/** One target as the door sees it: the options whose parts are there. */
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
