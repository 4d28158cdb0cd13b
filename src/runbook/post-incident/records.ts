import { JournalUnavailable } from '../approval/journal-unavailable.ts';
import type { IncidentLog } from '../ports/incident-log.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { defaultLimits } from '../snapshot/target.ts';
import type { Target } from '../snapshot/target.ts';
import { readRequestsOf } from '../incident/belongs.ts';
import type { Incident } from '../incident/incident.ts';
import type { IncidentReport } from './report.ts';
import { writeReport } from './write-report.ts';

/** What the journal holds of incidents that were, as Slack and the terminal ask for it. Changes nothing. */
export interface Records {
  /** The report of an incident, written anew from what was kept; of an open one so far. */
  readReport(id: string): Promise<Answer<IncidentReport>>;
}

interface RecordPorts {
  readonly log: Pick<IncidentLog, 'readIncident' | 'readNotes' | 'readRequestsSince'>;
  readonly targets: readonly Target[];
}

export function createRecords(ports: RecordPorts): Records {
  return {
    async readReport(id) {
      try {
        const incident = await ports.log.readIncident(id);
        if (incident !== undefined) return done(await gatherReport(ports, incident));
        return refuse('unknown-incident', 'There is no such incident.', 'Look at /dbconn history.');
      } catch (error) {
        if (!(error instanceof JournalUnavailable)) throw error;
        return refuse('journal', 'The journal cannot be read.', error.message);
      }
    },
  };
}

/** Reads what was kept of an incident and writes its report. Throws JournalUnavailable. */
export async function gatherReport(
  { log, targets }: RecordPorts,
  incident: Incident,
): Promise<IncidentReport> {
  const { id, target: name } = incident;
  const [notes, requests] = await Promise.all([
    log.readNotes(id, 0),
    readRequestsOf(log, incident),
  ]);
  const target = targets.find((one) => one.name === name) ?? unconfigured(name);
  return writeReport({ incident, notes, requests, target });
}

/** Its target was taken out of the configuration since: what was kept of it can be told all the same. */
function unconfigured(name: string): Target {
  return {
    name,
    services: [],
    applicationRoles: [],
    protectedApplications: [],
    limits: defaultLimits,
    links: { guides: [] },
    contacts: {},
  };
}
