import type { TargetCheck } from '../diagnose/evidence.ts';
import type { Note } from './note.ts';

/** The journal is bounded, so what one incident adds to it is too: 20 times 256 KB. */
export const mostKeptChecks = 20;
const mostBytes = 256 * 1024;

/** Why an examination was kept: with the request's id after a colon where it belongs to one. */
export type KeptCheckReason = 'first' | 'cause' | 'end' | `before:${string}` | `after:${string}`;

/**
 * The evidence of a moment as a note keeps it, so that it can be judged again later. Lists are halved until it fits,
 * and then it says `truncated`: replayed, it may lead to another diagnosis.
 */
export function keepCheck(
  why: KeptCheckReason,
  examination: TargetCheck,
): NonNullable<Note['facts']> {
  let keep = 1;
  let kept = examination;
  while (sizeOf(kept) > mostBytes && keep > 1 / 4096) {
    keep /= 2;
    kept = trim(examination, keep);
  }
  return { why, examination: kept, ...(keep < 1 && { truncated: true }) };
}

function sizeOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).length;
}

/** Keeps that share of every list that grows with the server; the first of each are the ones worth showing. */
function trim(examination: TargetCheck, share: number): TargetCheck {
  const { snapshot, diagnosis } = examination;
  const some = <T>(list: readonly T[]): T[] => list.slice(0, Math.ceil(list.length * share));
  const { reading, ...rest } = snapshot.database;
  return {
    ...examination,
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
