import { z } from 'zod';
import { cleanUntrusted } from '../../snapshot/redaction/redact-text.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';

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
type Refill = z.infer<typeof Refill>;

/** The largest first; more would make the stored request grow with the server. */
const holdingsKept = 20;
/** PostgreSQL cuts an application_name at 63 bytes. */
const longestName = 63;
/** Two sessions come and go between any two checks. */
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
  /** The checks since then, in order. */
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

/** How full the server was at one look. `full` when it refused everybody and no figure could be read. */
export const Fullness = z.union([
  z.strictObject({ used: z.number().int(), usable: z.number().int() }),
  z.literal('full'),
  z.null(),
]);
export type Fullness = z.infer<typeof Fullness>;

export const OutcomeWord = z.enum(['fixed', 'partly', 'unchanged', 'refilled', 'worse', 'unknown']);
export type OutcomeWord = z.infer<typeof OutcomeWord>;

/** What a change brought, by checks before it, right after it and some time later. */
export const Outcome = z.strictObject({
  word: OutcomeWord,
  /** Figures only. */
  sentence: z.string(),
  before: Fullness,
  after: Fullness,
  later: Fullness,
  /** Who took the slots again, where somebody did. */
  refill: Refill.exactOptional(),
});
export type Outcome = z.infer<typeof Outcome>;

interface Evidence {
  readonly before: Fullness;
  readonly after: Fullness;
  /** Since the change ended; right after it unless given. */
  readonly afterMs?: number;
  readonly later: Fullness;
  readonly laterAfterMs: number;
  /** Below this share of the usable slots the trouble is over, 0-1. */
  readonly warningUtilisation: number;
  readonly refill?: Refill | undefined;
  /** Connections that the change itself allowed, such as a larger pool's: a session that takes those makes nothing worse. */
  readonly allowed?: number;
}

/** Usable slots as the diagnosis counts them. */
export function readFullness({ database: { reach, reading } }: Snapshot): Fullness {
  if (reading === undefined) {
    const { kind, scope } = reach.error ?? {};
    return kind === 'full' && (scope ?? 'server') === 'server' ? 'full' : null;
  }
  const { maxConnections, superuserReserved, reserved, providerReserved } = reading.capacity;
  const usable = Math.max(0, maxConnections - superuserReserved - reserved - providerReserved);
  return { used: reading.counts.clients, usable };
}

/**
 * `fixed` below the warning line, and fewer used than before or more to use · `partly` fewer used, but not that ·
 * `unchanged` as many used as before, which a change that frees no slots has to be · `refilled` at least half of the
 * freed slots are taken again at the later look · `worse` more used than before, beyond what comes and goes by itself
 * and what the change allowed · `unknown` when one of the three looks did not see it.
 */
export function judgeOutcome(evidence: Evidence): Outcome {
  const { before, after, later } = evidence;
  const figures = toFigures(evidence);
  if (figures === undefined) {
    return {
      word: 'unknown',
      sentence: 'Whether this helped is unknown: a check had no figures.',
      before,
      after,
      later,
    };
  }
  const word = judge(figures, evidence);
  const sentence = toSentence(figures, evidence);
  const { refill } = evidence;
  if (word === 'fixed' || refill === undefined) return { word, sentence, before, after, later };
  const told = `${sentence} ${inFigures(refill)}`;
  return { word, sentence: told, before, after, later, refill };
}

/** What is said of a change whose checks are lost, such as after a crash. */
export function unknownOutcome(sentence: string, later: Fullness): Outcome {
  return { word: 'unknown', sentence, before: null, after: null, later };
}

interface Figures {
  readonly before: number;
  readonly after: number;
  readonly later: number;
  readonly usable: number;
  /** Usable slots at the first look. */
  readonly usableBefore: number;
}

/** A server that refused everybody had every usable slot taken; how many those are, a later look knows. */
function toFigures({ before, after, later }: Evidence): Figures | undefined {
  const known = [later, after, before].find((fullness) => fullness !== null && fullness !== 'full');
  if (known === undefined || known === null) return undefined;
  const used = (fullness: Fullness): number | undefined =>
    fullness === 'full' ? known.usable : fullness?.used;
  const [first, second, third] = [used(before), used(after), used(later)];
  if (first === undefined || second === undefined || third === undefined) return undefined;
  const usableBefore = before === null || before === 'full' ? known.usable : before.usable;
  return { before: first, after: second, later: third, usable: known.usable, usableBefore };
}

function judge(
  { before, after, later, usable, usableBefore }: Figures,
  { warningUtilisation, allowed = 0 }: Evidence,
): OutcomeWord {
  // Two sessions, or 2 % of a large server, come and go between any two checks.
  const noise = Math.max(2, Math.round(usable * 0.02));
  const added = Math.max(0, usable - usableBefore);
  if (later > before + noise + added + allowed) return 'worse';
  // Sessions that were refused come in now: a server with more slots is judged by its warning line alone.
  const wasFull = before >= usableBefore * warningUtilisation;
  if (added > 0 && wasFull) return later < usable * warningUtilisation ? 'fixed' : 'partly';
  const freed = before - Math.min(after, later);
  if (freed > noise && later - after >= freed / 2) return 'refilled';
  if (before > later && later < usable * warningUtilisation) return 'fixed';
  return before > later + noise ? 'partly' : 'unchanged';
}

function toSentence(figures: Figures, { afterMs, laterAfterMs }: Evidence): string {
  const { before, after, later, usable, usableBefore } = figures;
  const seconds = Math.round(laterAfterMs / 1000);
  const first = afterMs === undefined ? 'right after' : `after ${Math.round(afterMs / 1000)} s`;
  const now = usable === usableBefore ? String(later) : `${later} of ${usable}`;
  return `${before} of ${usableBefore} used before, ${after} ${first}, ${now} after ${seconds} s.`;
}

function inFigures({ before, after, later, perMinute }: Refill): string {
  return `One application had ${before} before, ${after} right after and ${later} now (${perMinute} per minute).`;
}
