import { z } from 'zod';
import type { RemedyRequest } from '../../remedies/remedy-request.ts';
import type { Item, Report } from '../../remedies/remedy.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Outcome, OutcomeWord } from './outcome.ts';

/**
 * What a change is for, where that is not free slots: a person who stops a blocker wants others to go on, and a new
 * time-out frees nothing at once. `as-planned`: done and read back, there is nothing else to see.
 */
export const Aim = z.enum(['slots', 'waiters', 'slow-statements', 'as-planned']);
export type Aim = z.infer<typeof Aim>;

const aims: Readonly<Record<RemedyRequest['kind'], Aim>> = {
  'idle-in-transaction': 'slots',
  idle: 'slots',
  'raise-max-connections': 'slots',
  restart: 'slots',
  'resize-pool': 'slots',
  'stop-blockers': 'waiters',
  'rollback-prepared': 'waiters',
  'cancel-slow': 'slow-statements',
  'stop-session': 'as-planned',
  'set-timeout': 'as-planned',
  'limit-connections': 'as-planned',
};

export function aimOf({ kind }: RemedyRequest): Aim {
  return aims[kind];
}

/** How many there are of what the change is to do away with; null where there is no such figure, or no look. */
export function countFor(aim: Aim, { database: { reading } }: Snapshot): number | null {
  if (reading === undefined) return null;
  switch (aim) {
    case 'waiters':
      return reading.locks.waitersTotal;
    case 'slow-statements':
      return reading.counts.slowQueries + reading.counts.slowClients;
    default:
      return null;
  }
}

/** The figure of an aim before the change, right after it, and at the last look. */
interface AimFigures {
  readonly before: number | null;
  readonly after: number | null;
  readonly later: number | null;
  readonly laterAfterMs: number;
}

/** Two come and go between any two checks. */
const noise = 2;

const words = { waiters: 'waiting for a lock', 'slow-statements': 'running for too long' } as const;

/** `fixed` when none is left · `partly` fewer · `unchanged` as many · `refilled` at least half of them came back · `worse` more than before · `unknown` when a look did not see it. */
export function judgeAimFigures(
  aim: 'waiters' | 'slow-statements',
  { before, after, later, laterAfterMs }: AimFigures,
): Pick<Outcome, 'word' | 'sentence'> {
  if (before === null || later === null) {
    const sentence = 'Whether this helped is unknown: a check had no figures.';
    return { word: 'unknown', sentence };
  }
  const seconds = Math.round(laterAfterMs / 1000);
  const sentence = `${before} ${words[aim]} before, ${after ?? 'unknown'} right after, ${later} after ${seconds} s.`;
  return { word: toWord(before, after ?? later, later), sentence };
}

function toWord(before: number, after: number, later: number): OutcomeWord {
  if (later === 0) return 'fixed';
  if (later > before + noise) return 'worse';
  const gone = before - after;
  if (gone > noise && later - after >= gone / 2) return 'refilled';
  return later < before ? 'partly' : 'unchanged';
}

const asPlanned: ReadonlySet<Item['outcome']> = new Set<Item['outcome']>([
  'ended',
  'cancelled',
  'set',
]);

/** Whether what was to be done was done, by the remedy's own look after it. */
export function judgeReport({
  finished,
  items,
}: Pick<Report, 'finished' | 'items'>): Pick<Outcome, 'word' | 'sentence'> {
  const done = items.filter(({ outcome }) => asPlanned.has(outcome)).length;
  if (finished && done === items.length) {
    return { word: 'fixed', sentence: 'Done as planned and checked.' };
  }
  return { word: 'partly', sentence: `${done} of ${items.length} done as planned.` };
}
