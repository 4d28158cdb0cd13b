import type { Escalator } from '../escalate/caller.ts';
import type { Holder } from '../snapshot/ports.ts';
import type { IncidentBoard } from '../ports/incident-board.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import type { Meter } from '../escalation/meter.ts';
import type { Reporter } from '../post-incident/reporter.ts';
import type { Runbook } from '../loop/target-monitor.ts';
import type { SteadyClock } from '../incidents/steady-clock.ts';
import type { Incident } from './incident.ts';
import type { Incidents } from '../incidents/incidents.ts';
import type { IncidentRules } from './rules.ts';

/** What whoever tends the incidents needs. */
export interface IncidentLoopDeps {
  readonly incidents: Incidents;
  readonly log: IncidentLog;
  readonly runbook: Pick<Runbook, 'targets' | 'runCheck'>;
  readonly board: IncidentBoard;
  readonly escalator: Escalator;
  readonly reporter: Reporter;
  readonly rules: IncidentRules;
  readonly clock: SteadyClock;
  readonly meter: Meter;
  /** One for each process; its time is how long after a crash another one takes over. */
  readonly holder: Holder;
  /** Between two rounds; a second unless given. */
  readonly everyMs?: number;
  /** What went wrong; the next round tries again. Must not throw. */
  readonly onFault: (about: string, error: unknown) => void;
  /** A round was made; `isGood` is false where it broke off, such as for a journal that takes nothing. Must not throw. */
  readonly onRound?: (isGood: boolean) => void;
  readonly onChange?: (incident: Incident) => void;
  /** From 0 to 1, as Math.random. */
  readonly random?: () => number;
}
