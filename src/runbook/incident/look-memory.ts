import type { TargetCheck } from '../diagnose/evidence.ts';
import { isOutOfReach } from './judge-look.ts';
import type { CheckVerdict } from './judge-look.ts';
import type { IncidentRules } from './rules.ts';

/** What this process's own looks at one target say together. Lost with the process, and that only delays. */
export interface Watching {
  /** Since when it looks without a gap. */
  readonly sinceMs: number;
  readonly lastMs: number;
  /** Since when looks say trouble, and how many in a row. Looks that saw nothing neither count nor break the row. */
  readonly trouble: { readonly sinceMs: number; readonly checks: number } | null;
  /** Since when a server that was seen before cannot be reached at all; null while that is not so. */
  readonly lostSinceMs: number | null;
  readonly wasReached: boolean;
  /** The most slots that were taken since the peak was written down. */
  readonly peak: Peak | null;
  /** What the latest look differs in from what was kept, so that it is kept only if the next one says the same. */
  readonly doubt: string | null;
}

export interface Peak {
  readonly at: string;
  readonly used: number;
  readonly usable: number;
}

export interface CheckMemory {
  /** Undefined for a look that began before one that is known already. */
  add(examination: TargetCheck, verdict: CheckVerdict, at: string): Watching | undefined;
  doubt(target: string, doubt: string | null): void;
  /** The latest look, unless it is so old that it says nothing of now: another process may look since. */
  recent(target: string, nowMs: number): LatestCheck | undefined;
}

export interface LatestCheck {
  readonly watching: Watching;
  readonly verdict: CheckVerdict;
  /** The last look that saw the server said trouble: one that sees nothing takes nothing back. */
  readonly isInTrouble: boolean;
  /** How it stands, and where it is not calm why: the slots alone need not be the trouble. */
  readonly sentence: string;
  /** Absent while all is calm: the evidence of every healthy target would fill the memory. */
  readonly examination: TargetCheck | undefined;
}

/** Looks that are further apart leave out what happened in between. */
const longestGapMs = 60_000;

export function createCheckMemory({
  checkEveryMs,
}: Pick<IncidentRules, 'checkEveryMs'>): CheckMemory {
  const gapMs = Math.max(longestGapMs, 4 * checkEveryMs);
  const targets = new Map<string, LatestCheck>();
  return {
    add(examination, verdict, at) {
      const { target, headline, verdict: why, capacity } = examination.diagnosis;
      const atMs = Date.parse(at);
      const known = targets.get(target)?.watching;
      // Further apart, in either direction, is no row: nobody looked, or the clock was set.
      const isRow = known !== undefined && Math.abs(atMs - known.lastMs) <= gapMs;
      if (isRow && atMs < known.lastMs) return undefined;
      const before = isRow ? known : undefined;
      const watching: Watching = {
        sinceMs: before?.sinceMs ?? atMs,
        lastMs: atMs,
        trouble: countTrouble(before?.trouble ?? null, verdict, atMs),
        ...countLost(before, { verdict, atMs, isLost: isOutOfReach(examination.diagnosis) }),
        peak: higher(before?.peak ?? null, capacity === null ? null : { at, ...capacity }),
        doubt: before?.doubt ?? null,
      };
      const isCalm = verdict === 'calm';
      const sentence = isCalm ? headline : `${headline} ${why}`;
      const kept = isCalm ? undefined : examination;
      const isInTrouble = watching.trouble !== null;
      targets.set(target, { watching, verdict, isInTrouble, sentence, examination: kept });
      return watching;
    },
    doubt(target, doubt) {
      const kept = targets.get(target);
      if (kept !== undefined)
        targets.set(target, { ...kept, watching: { ...kept.watching, doubt } });
    },
    recent(target, nowMs) {
      const kept = targets.get(target);
      return kept !== undefined && Math.abs(nowMs - kept.watching.lastMs) <= gapMs
        ? kept
        : undefined;
    },
  };
}

function countTrouble(
  before: Watching['trouble'],
  verdict: CheckVerdict,
  atMs: number,
): Watching['trouble'] {
  if (verdict === 'unseen') return before;
  if (verdict !== 'trouble') return null;
  return { sinceMs: before?.sinceMs ?? atMs, checks: (before?.checks ?? 0) + 1 };
}

function countLost(
  before: Watching | undefined,
  check: { readonly verdict: CheckVerdict; readonly atMs: number; readonly isLost: boolean },
): Pick<Watching, 'wasReached' | 'lostSinceMs'> {
  const wasReached = check.verdict !== 'unseen' || before?.wasReached === true;
  const isLost = check.verdict === 'unseen' && check.isLost && wasReached;
  return { wasReached, lostSinceMs: isLost ? (before?.lostSinceMs ?? check.atMs) : null };
}

function higher(a: Peak | null, b: Peak | null): Peak | null {
  if (b === null || (a !== null && b.used <= a.used)) return a;
  return { at: b.at, used: b.used, usable: b.usable };
}
