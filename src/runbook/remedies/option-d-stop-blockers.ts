import { blockersOf, toStopRequest } from './option-d/ports.ts';
import type { OptionDPorts } from './option-d/ports.ts';
import { planStop } from './d-stop-blockers/plan.ts';
import { recheckBlockers } from './option-d/recheck-blockers.ts';
import { recoverBlockers } from './option-d/recover-blockers.ts';
import type { Remedy } from './remedy.ts';
import { stopBlockers } from './d-stop-blockers/run.ts';

/** Runbook option D: cancel, and where that cannot help terminate, what others wait for; or one session by its pid. */
export function createOptionD(ports: OptionDPorts): Remedy {
  return {
    option: 'D',
    target: ports.target.name,
    propose: (ask) => planStop(ports, toStopRequest(ask)),
    recheck: (plan) => recheckBlockers(ports, plan),
    run: (plan, left, control) =>
      ports.blockers.act((session) =>
        stopBlockers(session, { plan, left: blockersOf(left), ports, control }),
      ),
    recover: (interrupted) => recoverBlockers(ports, interrupted),
  };
}
