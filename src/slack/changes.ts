import type { Approvals } from '../runbook/approval/door.ts';
import type { EscalatePorts } from '../runbook/escalation/escalate.ts';
import type { Check } from '../runbook/diagnose/doctor.ts';
import type { Incidents } from '../runbook/incidents/incidents.ts';
import type { Announcements, Journal } from '../runbook/snapshot/ports.ts';
import type { IncidentBoard } from '../runbook/ports/incident-board.ts';
import type { Records } from '../runbook/post-incident/records.ts';
import type { Cards } from './live/request-cards.ts';

/** What a dbconn needs that may change something: the one door, and where people hear of it. */
export interface Changes {
  readonly approvals: Approvals;
  readonly journal: Pick<Journal, 'record'>;
  readonly cards: Cards;
  readonly announcements: Announcements;
  /** Absent where no incidents are kept. */
  readonly incidents?: Incidents;
  /** What the journal holds of those that were; absent as `incidents` is. */
  readonly records?: Records;
  /** Where their messages stand: a press counts on an incident's own message alone. */
  readonly board?: Pick<IncidentBoard, 'placeOf'>;
  /** What wakes people for a target without an incident; absent where nothing is configured. */
  readonly pagingOf?: (target: string) => EscalatePorts['paging'];
  /** Whether whoever a target's incidents call can be reached; absent as `incidents` is. */
  readonly checkCalls?: (target: string) => readonly Check[];
}
