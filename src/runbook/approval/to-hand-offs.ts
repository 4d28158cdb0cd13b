import { createHandOff } from '../remedies/by-hand/create-hand-off.ts';
import type { HandOffRemedy } from '../remedies/by-hand/create-hand-off.ts';
import { planningConnection, planningBlockers } from '../remedies/by-hand/means.ts';
import { planOf } from '../remedies/by-hand/plan-remedy.ts';
import type { PlannerPorts } from '../remedies/by-hand/planner.ts';
import { planResizes } from '../remedies/e-resize-pool/resize-by-hand.ts';
import { planRestarts } from '../remedies/c-restart-service/restart-by-hand.ts';
import { createCatalogue } from '../remedies/catalogue.ts';
import type { CatalogueParts } from '../remedies/catalogue.ts';
import type { Remedy } from '../remedies/remedy.ts';
import type { TargetAdapters } from '../loop/target-monitor.ts';

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
