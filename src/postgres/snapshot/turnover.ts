import { z } from 'zod';
import type { DatabaseReading, TurnoverReading } from '../../runbook/snapshot/snapshot.ts';
import { microseconds, sessionsBegan } from './snapshot-statement.ts';

/** How many sessions there are, and how many there ever were. */
const Tally = z.object({
  at: z.string(),
  startedAt: z.string(),
  sessionsBegan: z.coerce.number().int().nullable(),
  clients: z.coerce.number().int(),
  /** Of those, how many are younger than that. */
  newIn10s: z.coerce.number().int(),
  newIn60s: z.coerce.number().int(),
});
export type Tally = z.infer<typeof Tally>;

/** Longer, and nobody counted how many of those who began are still there. */
const longestSeconds = 60;
/** Counts arrive up to half a second late. */
const lateSeconds = 1;

/** What happened between two moments of one server; undefined where that cannot be told. */
export function toTurnover(before: Tally | undefined, now: Tally): TurnoverReading | undefined {
  if (before === undefined || before.startedAt !== now.startedAt) return undefined;
  if (before.sessionsBegan === null || now.sessionsBegan === null) return undefined;
  const seconds = (Date.parse(now.at) - Date.parse(before.at)) / 1000;
  const began = now.sessionsBegan - before.sessionsBegan;
  // Fewer than before: somebody reset the counters.
  if (seconds <= 0 || seconds > longestSeconds || began < 0) return undefined;
  const young = seconds <= 10 - lateSeconds ? now.newIn10s : now.newIn60s;
  return {
    seconds,
    began,
    ended: Math.max(0, began - (now.clients - before.clients)),
    passed: Math.max(0, began - young),
  };
}

/** Where PostgreSQL 14 sends its counts to a collector, which takes them in every half second, later ones share memory. */
export function countAgainAfterMs(version: number): number {
  return version >= 150_000 ? 300 : 700;
}

const restlessLoginMs = 500;

/**
 * Whether a first snapshot, which has nothing to compare with, is worth counting again: somebody came in the last ten
 * seconds, or dbconn's own login was slow.
 */
export function isRestless({ counts }: DatabaseReading, loginMs: number): boolean {
  return loginMs >= restlessLoginMs || counts.newIn10s > counts.own;
}

export function tallyStatement(version: number): string {
  return `SELECT json_build_object('at', ${microseconds('clock_timestamp()')}, 'startedAt', ${microseconds('pg_postmaster_start_time()')},
  'sessionsBegan', ${sessionsBegan(version)},
  'clients', c.clients, 'newIn10s', c.new10, 'newIn60s', c.new60)::text AS tally
  FROM (SELECT count(*) AS clients,
          count(*) FILTER (WHERE backend_start > clock_timestamp() - interval '10 s') AS new10,
          count(*) FILTER (WHERE backend_start > clock_timestamp() - interval '60 s') AS new60
        FROM pg_stat_get_activity(NULL) WHERE backend_type = 'client backend') c`;
}

export function parseTally(json: string): Tally {
  return Tally.parse(JSON.parse(json));
}
