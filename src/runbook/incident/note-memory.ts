import type { IncidentLog } from '../ports/incident-log.ts';
import { mostKeptChecks } from './kept-examination.ts';

/** What an incident's notes say that must not be said again. */
export interface Remembered {
  /** The keys of notes that are written once, and the reasons of kept examinations. */
  has(key: string): boolean;
  /** Whether a remedy has run on its target since it opened: from then on nobody can see what it was like without. */
  readonly isChanged: boolean;
  readonly mayKeep: boolean;
  /** One more than else: the end is always worth keeping. */
  readonly mayKeepEnd: boolean;
}

export interface NoteMemory {
  /** Reads what was written since it last asked, by whichever process. */
  read(incident: string): Promise<Remembered>;
}

interface Known {
  readonly upTo: number;
  readonly keys: ReadonlySet<string>;
  readonly keptChecks: number;
}

/** As `hear` writes them: from `executing` on, and once commands are shown, something may have been changed. */
const ranRequest = /^request:.+:(?:handed|executing|verifying|done)$/;

/** Far more than are ever open at once; one that is forgotten is read again. */
const mostIncidents = 500;

export function createNoteMemory(log: Pick<IncidentLog, 'readNotes'>): NoteMemory {
  const incidents = new Map<string, Known>();
  return {
    async read(incident) {
      const known = incidents.get(incident) ?? {
        upTo: 0,
        keys: new Set<string>(),
        keptChecks: 0,
      };
      const notes = await log.readNotes(incident, known.upTo);
      const facts = notes.map((note) => note.facts ?? {});
      const told = facts
        .flatMap(({ key, why }) => [key, why])
        .filter((key) => typeof key === 'string');
      const now = {
        upTo: notes.at(-1)?.seq ?? known.upTo,
        keys: new Set([...known.keys, ...told]),
        keptChecks: known.keptChecks + facts.filter((fact) => 'examination' in fact).length,
      };
      // The one asked for last is forgotten last.
      incidents.delete(incident);
      incidents.set(incident, now);
      const [oldest] = incidents.keys();
      if (incidents.size > mostIncidents && oldest !== undefined) incidents.delete(oldest);
      return {
        has: (key) => now.keys.has(key),
        isChanged: [...now.keys].some((key) => ranRequest.test(key)),
        mayKeep: now.keptChecks < mostKeptChecks - 1,
        mayKeepEnd: now.keptChecks < mostKeptChecks,
      };
    },
  };
}
