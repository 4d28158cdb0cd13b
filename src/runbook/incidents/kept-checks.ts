import type { TargetCheck } from '../diagnose/evidence.ts';
import type { IncidentLog, Note } from './incident-log.ts';

/** The journal is bounded, so what one incident adds to it is too: 20 times 256 KB. */
const mostKeptChecks = 20;
const mostBytes = 256 * 1024;

/** Why a check was kept: with the request's id after a colon where it belongs to one. */
export type KeptCheckReason = 'first' | 'cause' | 'end' | `before:${string}` | `after:${string}`;

/**
 * The evidence of a moment as a note keeps it, so that it can be judged again later. Lists are halved until it fits,
 * and then it says `truncated`: replayed, it may lead to another diagnosis.
 */
export function keepCheck(
  why: KeptCheckReason,
  targetCheck: TargetCheck,
): NonNullable<Note['facts']> {
  let keep = 1;
  let kept = targetCheck;
  while (sizeOf(kept) > mostBytes && keep > 1 / 4096) {
    keep /= 2;
    kept = trim(targetCheck, keep);
  }
  return { why, examination: kept, ...(keep < 1 && { truncated: true }) };
}

function sizeOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

/** Keeps that share of every list that grows with the server; the first of each are the ones worth showing. */
function trim(targetCheck: TargetCheck, share: number): TargetCheck {
  const { snapshot, diagnosis } = targetCheck;
  const some = <T>(list: readonly T[]): T[] => list.slice(0, Math.ceil(list.length * share));
  const { reading, ...rest } = snapshot.database;
  return {
    ...targetCheck,
    snapshot: {
      ...snapshot,
      database: {
        ...rest,
        ...(reading !== undefined && {
          reading: {
            ...reading,
            sources: some(reading.sources),
            sessions: some(reading.sessions),
            sessionsTruncated: true,
            connectionLimits: some(reading.connectionLimits),
            locks: { ...reading.locks, waiters: some(reading.locks.waiters) },
            prepared: some(reading.prepared),
          },
        }),
      },
      pools: trimPart(snapshot.pools, some),
      logs: trimPart(snapshot.logs, some),
      services: snapshot.services.ok
        ? { ...snapshot.services, value: trimServices(snapshot.services.value, some) }
        : snapshot.services,
    },
    diagnosis: {
      ...diagnosis,
      truncated: true,
      holders: some(diagnosis.holders),
      sources: some(diagnosis.sources),
      sessions: some(diagnosis.sessions),
      blocking: {
        ...diagnosis.blocking,
        waiters: some(diagnosis.blocking.waiters),
        roots: some(diagnosis.blocking.roots),
        cycles: some(diagnosis.blocking.cycles),
        truncated: true,
      },
      pools: some(diagnosis.pools),
      logs: some(diagnosis.logs),
      leakSuspects: some(diagnosis.leakSuspects),
      findings: some(diagnosis.findings),
    },
  };
}

type Some = <T>(list: readonly T[]) => T[];

function trimPart<T>(
  part: { readonly ok: true; readonly tookMs: number; readonly value: readonly T[] } | NotRead,
  some: Some,
): { readonly ok: true; readonly tookMs: number; readonly value: readonly T[] } | NotRead {
  return part.ok ? { ...part, value: some(part.value) } : part;
}

type NotRead = Extract<TargetCheck['snapshot']['pools'], { ok: false }>;
type Services = Extract<TargetCheck['snapshot']['services'], { ok: true }>['value'];

function trimServices(reading: Services, some: Some): Services {
  const services = some(reading.services).map((service) => ({
    ...service,
    replicas: some(service.replicas),
  }));
  return { ...reading, services };
}

/** What an incident's notes say that must not be said again. */
export interface Remembered {
  /** The keys of notes that are written once, and the reasons of kept checks. */
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
