import type { SessionReading, Snapshot } from '../../snapshot/snapshot.ts';
import type { RemedyRequest } from '../ask.ts';
import type { Item } from '../report.ts';
import { count, durationOfMs } from '../../snapshot/wording.ts';

/** A process that a restart has ended. */
export interface OldProcess {
  /** Its container's addresses. A new process may have the same, so age tells the two apart. */
  readonly addresses: readonly string[];
  /** When its end was asked for, by dbconn's clock. */
  readonly sentAtMs: number;
}

/** As many as a report can offer to end. */
const mostOffered = 5;

/**
 * The active sessions of old processes. Unless client_connection_check_interval is set, a backend notices that its
 * client is gone only when it next speaks to it: until then its query runs, and holds its slot and its locks.
 * The server tells ages and dbconn's clock tells spans, so that clocks which differ do no harm.
 */
export function findOrphans(
  snapshot: Snapshot,
  isOfService: (session: SessionReading) => boolean,
  { old, nowMs }: { readonly old: readonly OldProcess[]; readonly nowMs: number },
): readonly SessionReading[] {
  const sessions = snapshot.database.reading?.sessions ?? [];
  const isOf = (session: SessionReading, { addresses, sentAtMs }: OldProcess): boolean => {
    const isTheirs =
      addresses.length === 0
        ? isOfService(session)
        : session.client !== null && addresses.includes(session.client);
    return isTheirs && session.connectionAgeSeconds * 1000 > nowMs - sentAtMs;
  };
  return sessions.filter(
    (session) =>
      session.state === 'active' && !session.own && old.some((process) => isOf(session, process)),
  );
}

/** How a report speaks of them, and what it offers. */
export function reportOrphans(orphans: readonly SessionReading[]): {
  readonly items: readonly Item[];
  readonly followUps: readonly RemedyRequest[];
  readonly sentence: string;
} {
  const items = orphans.map(({ pid, queryAgeSeconds }): Item => {
    const age = queryAgeSeconds === null ? '' : ` for ${durationOfMs(queryAgeSeconds * 1000)}`;
    const detail = `Its query runs${age}, for a process that is gone.`;
    return { what: `pid ${pid}`, outcome: 'still there', detail, lines: [] };
  });
  const queries = count(orphans.length, 'query').replace(/querys$/, 'queries');
  const run = orphans.length === 1 ? 'runs' : 'run';
  return {
    items,
    followUps: orphans
      .slice(0, mostOffered)
      .map(({ pid }) => ({ kind: 'stop-session', pid, how: 'terminate' })),
    sentence: orphans.length === 0 ? '' : ` ${queries} of the old processes still ${run}.`,
  };
}
