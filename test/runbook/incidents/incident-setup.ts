import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import type { Announcement } from '../../../src/runbook/approvals/notices.ts';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { TargetCheck } from '../../../src/runbook/diagnose/evidence.ts';
import type { Alert } from '../../../src/runbook/incidents/alert.ts';
import type { IncidentDeps } from '../../../src/runbook/incidents/incident-log.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { createIncidents } from '../../../src/runbook/incidents/incidents.ts';
import type { Incidents } from '../../../src/runbook/incidents/incidents.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import type { Snapshot } from '../../../src/runbook/snapshot/snapshot.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import type { JournalFolder } from '../../journal/temporary-journal.ts';
import { allMembers } from '../../support/people.ts';
import { aReading, aSnapshot, aSource, aTarget, refused } from '../diagnose/builders.ts';
import { MovingClock } from './moving-clock.ts';

export const shop = aTarget({ name: 'shop', composeProject: 'stack', postgresService: 'postgres' });
export const till = aTarget({ name: 'till', composeProject: 'till', services: [] });

/** Incidents on a real journal file, a clock that stands, and what was said. */
export interface IncidentSetup {
  readonly clock: MovingClock;
  readonly folder: JournalFolder;
  readonly journal: StoredJournal;
  readonly incidents: Incidents;
  readonly announced: Announcement[];
  readonly changes: Incident[];
  readonly faults: unknown[];
  /** Another process's, on the same file. */
  another(ports?: Partial<IncidentDeps>): Promise<Incidents>;
  /** A look now. */
  look(snapshot: Snapshot, target?: string): TargetCheck;
  /** Looks every 15 s for that long, the first one now; the last answer. */
  looks(snapshot: Snapshot, forMs: number): Promise<Incident | null>;
  sentences(incident: string): Promise<string[]>;
  close(): void;
}

export async function openIncidentSetup(ports: Partial<IncidentDeps> = {}): Promise<IncidentSetup> {
  const clock = new MovingClock();
  const folder = makeJournalFolder();
  const journal = await folder.open({ clock });
  const announced: Announcement[] = [];
  const changes: Incident[] = [];
  const faults: unknown[] = [];
  const another = async (more: Partial<IncidentDeps> = {}): Promise<Incidents> =>
    createIncidents({
      log: await folder.open({ clock }),
      clock,
      targets: [shop, till],
      rules: defaultIncidentRules,
      policyOf: () => [
        { who: 'database-admins', afterMs: 300_000, when: [], unlessAssigned: true },
      ],
      people: allMembers,
      notice: {
        show: async (one, place) => {
          announced.push({
            ...one,
            mention: null,
            ...(place !== undefined && { thread: place.ts }),
          });
          return place ?? { channel: one.to, ts: String(announced.length) };
        },
      },
      channel: 'C1',
      onChange: (incident) => void changes.push(incident),
      onFault: (_about, error) => void faults.push(error),
      ...ports,
      ...more,
    });
  const incidents = await another();
  const look = (snapshot: Snapshot, name = 'shop'): TargetCheck => {
    const target = [shop, till].find((known) => known.name === name) ?? shop;
    const taken = { ...snapshot, target: name, takenAt: new Date(clock.now()).toISOString() };
    const diagnosis = diagnose({ snapshot: taken, target, recent: [] });
    return { snapshot: taken, target, recent: [], diagnosis };
  };
  return {
    clock,
    folder,
    journal,
    incidents,
    announced,
    changes,
    faults,
    another,
    look,
    async looks(snapshot, forMs) {
      let last = must(await incidents.observe(look(snapshot)));
      for (let passedMs = 0; passedMs < forMs; passedMs += 15_000) {
        await clock.move(15_000);
        last = must(await incidents.observe(look(snapshot)));
      }
      return last;
    },
    async sentences(incident) {
      const notes = await journal.readNotes(incident, 0);
      return notes.flatMap(({ sentence }) => sentence ?? []);
    },
    close: () => folder.close(),
  };
}

export function must<T>(answer: Answer<T>): T {
  if (answer.ok) return answer.value;
  throw new Error(`${answer.refusal.kind}: ${answer.refusal.why} ${answer.refusal.next}`);
}

/** So many of 97 usable slots taken by one application that leaves them idle in transaction. */
export function used(clients: number): Snapshot {
  const idleInTransaction = Math.max(0, clients - 20);
  const reading = aReading({
    counts: { clients, active: 2, idle: clients - idleInTransaction - 2, idleInTransaction },
    sources: [aSource({ total: clients - 1, idle: 0, idleInTransaction })],
  });
  return aSnapshot({ reading });
}

/** It refuses everybody, and nothing is seen but that. */
export function full(): Snapshot {
  return aSnapshot({ reading: null, reach: refused('full') });
}

/** dbconn does not get there: nothing can be said. */
export function unreachable(): Snapshot {
  return aSnapshot({ reading: null, reach: refused('network') });
}

export function anAlert(change: Partial<Alert> = {}): Alert {
  return {
    status: 'firing',
    name: 'DatabaseConnectionPoolExhausted',
    fingerprint: 'ad0ca6886f893e2b',
    startsAt: '2026-11-23T02:59:00.000Z',
    endsAt: null,
    labels: { compose_project: 'stack', compose_service: 'postgres', severity: 'critical' },
    ...change,
  };
}

export function ended(alert: Alert, endsAt = '2026-11-23T03:10:00.000Z'): Alert {
  return { ...alert, status: 'resolved', endsAt };
}
