import { z } from 'zod';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { cleanUntrusted } from '../diagnose/untrusted.ts';

/** How many sessions one application holds. Its name is untrusted text. */
export const Holding = z.strictObject({ application: z.string(), sessions: z.number().int() });
export type Holding = z.infer<typeof Holding>;

/** Who took slots again after a change, and how fast. */
export const Refill = z.strictObject({
  /** Untrusted text. */
  application: z.string(),
  /** Its sessions before the change, right after it, and at the last look. */
  before: z.number().int(),
  after: z.number().int(),
  later: z.number().int(),
  /** From the look right after the change until it had taken nearly all it took. */
  perMinute: z.number().int(),
});
export type Refill = z.infer<typeof Refill>;

/** The largest first; more would make the stored request grow with the server. */
const holdingsKept = 20;
/** PostgreSQL cuts an application_name at 63 bytes. */
const longestName = 63;
/** Two sessions come and go between any two looks. */
const noise = 2;

/** Sessions by application_name, or by role where a client gives none; empty when the database was not read. */
export function readHoldings({ database: { reading } }: Snapshot): Holding[] {
  const totals = new Map<string, number>();
  for (const { application, user, total } of reading?.sources ?? []) {
    const name = cleanUntrusted(application === '' ? (user ?? '') : application, longestName);
    totals.set(name, (totals.get(name) ?? 0) + total);
  }
  return [...totals]
    .map(([application, sessions]) => ({ application, sessions }))
    .sort((a, b) => b.sessions - a.sessions)
    .slice(0, holdingsKept);
}

/** What one look after the change showed. */
export interface HoldingsCheck {
  /** Since the change ended. */
  readonly afterMs: number;
  readonly holdings: readonly Holding[];
}

interface Traces {
  readonly before: readonly Holding[];
  readonly after: readonly Holding[];
  /** The looks since then, in order. */
  readonly checks: readonly HoldingsCheck[];
}

/** The application that took most slots since the change. Undefined when none took more than comes and goes by itself. */
export function findRefill({ before, after, checks }: Traces): Refill | undefined {
  const last = checks.at(-1);
  // An unread look has no holdings at all; against it everybody would seem new.
  if (last === undefined || after.length === 0) return undefined;
  const [top] = last.holdings
    .map(({ application, sessions }) => ({
      application,
      later: sessions,
      after: countOf(after, application),
    }))
    .sort((a, b) => b.later - b.after - (a.later - a.after));
  if (top === undefined || top.later - top.after <= noise) return undefined;
  return {
    ...top,
    before: countOf(before, top.application),
    perMinute: perMinute(top, checks),
  };
}

function perMinute(
  { application, after, later }: Pick<Refill, 'application' | 'after' | 'later'>,
  checks: readonly HoldingsCheck[],
): number {
  // A pool that is full again after ten seconds took its slots in ten seconds, however long somebody looks on.
  const nearly = after + 0.9 * (later - after);
  const reached = checks.find(({ holdings }) => countOf(holdings, application) >= nearly);
  if (reached === undefined) return 0;
  const taken = countOf(reached.holdings, application) - after;
  return Math.round(taken / (Math.max(1000, reached.afterMs) / 60_000));
}

function countOf(holdings: readonly Holding[], application: string): number {
  return holdings.find((holding) => holding.application === application)?.sessions ?? 0;
}
