import type { Diagnosis, Finding } from '../diagnose/diagnosis.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import { pressureOf } from '../diagnose/summarise.ts';
import type { Target } from '../snapshot/target.ts';
import type { Incident, Observation } from './incident.ts';
import type { IncidentRules } from './rules.ts';

/**
 * What a check means for an incident. `trouble` opens one. `calm` lets it end: the server was seen, nothing critical
 * was, and it is below the warning line; warnings about settings or logs do not keep an incident open. `unseen`:
 * the server was not seen, so nothing can be said. `uneasy` is what lies between.
 */
export type CheckVerdict = 'trouble' | 'uneasy' | 'calm' | 'unseen';

/** True of a server on its best day too: they are mended by daylight, and would keep an incident open for ever. */
const standing: ReadonlySet<string> = new Set(['superuser-application']);

/** A check at a server ends after 4.5 s whatever the server does: where it took longer, dbconn itself stood still. */
const starvedMs = 6000;

export function judgeCheck(
  { state, capacity, findings, timings }: Judged,
  { limits }: Pick<Target, 'limits'>,
): CheckVerdict {
  if (capacity === null && timings.database > starvedMs) return 'unseen';
  // Refusing, hanging and stopped servers are judged by their finding: that nobody was let in is the trouble.
  if (findings.some(isTrouble)) return 'trouble';
  if (capacity === null || state === 'unknown') return 'unseen';
  return pressureOf(capacity, limits) === 'none' ? 'calm' : 'uneasy';
}

type Judged = Pick<Diagnosis, 'state' | 'capacity' | 'findings' | 'timings'>;

/** Nobody answers where it is. Of a wrong password or a missing right the server itself tells. */
function isOutOfReach({ reach }: Pick<Diagnosis, 'reach'>): boolean {
  return reach.via === 'none' && reach.error?.kind === 'network';
}

function isTrouble({ severity, id }: Finding): boolean {
  return severity === 'critical' && !standing.has(id);
}

/** What an alert about an application's pool is about; a calm server says nothing of it. */
export function hasPoolNearLimit({ findings }: Pick<Diagnosis, 'findings'>): boolean {
  return findings.some(({ id }) => id === 'pool-near-limit');
}

/** What this process's own checks at one target say together. Lost with the process, and that only delays. */
export interface Watching {
  /** Since when it checks without a gap. */
  readonly sinceMs: number;
  readonly lastMs: number;
  /** Since when checks say trouble, and how many in a row. Checks that saw nothing neither count nor break the row. */
  readonly trouble: { readonly sinceMs: number; readonly checks: number } | null;
  /** Since when a server that was seen before cannot be reached at all; null while that is not so. */
  readonly lostSinceMs: number | null;
  readonly wasReached: boolean;
  /** The most slots that were taken since the peak was written down. */
  readonly peak: Peak | null;
  /** What the latest checks differ in from what was kept, so that it is kept only if further ones say the same. */
  readonly doubt: Doubt | null;
  /** What the latest check said, in words; and when of late one said something else than the check before it. */
  readonly words: string | null;
  readonly changedMs: readonly number[];
}

interface Doubt {
  readonly differs: string;
  /** In a row. */
  readonly checks: number;
}

export interface Peak {
  readonly at: string;
  readonly used: number;
  readonly usable: number;
}

export interface CheckMemory {
  /** Undefined for a check that began before one that is known already. */
  add(targetCheck: TargetCheck, verdict: CheckVerdict, at: string): Watching | undefined;
  /** What came of the latest check. */
  settle(target: string, came: Came): void;
  /** The latest check, unless it is so old that it says nothing of now: another process may check since. */
  recent(target: string, nowMs: number): LatestCheck | undefined;
}

interface Came {
  readonly observation: Observation;
  /** What it differs in from what was kept, empty where it does not. */
  readonly differs: string;
  readonly isKept: boolean;
}

export interface LatestCheck {
  readonly watching: Watching;
  readonly verdict: CheckVerdict;
  /** The last check that saw the server said trouble: one that sees nothing takes nothing back. */
  readonly isInTrouble: boolean;
  /** How it stands, and where it is not calm why: the slots alone need not be the trouble. */
  readonly sentence: string;
  /** Absent while all is calm: the evidence of every healthy target would fill the memory. */
  readonly targetCheck: TargetCheck | undefined;
}

/** Checks that are further apart leave out what happened in between. */
const longestGapMs = 60_000;

export function createCheckMemory({
  checkEveryMs,
}: Pick<IncidentRules, 'checkEveryMs'>): CheckMemory {
  const gapMs = Math.max(longestGapMs, 4 * checkEveryMs);
  const targets = new Map<string, LatestCheck>();
  return {
    add(targetCheck, verdict, at) {
      const { target, headline, verdict: why, capacity } = targetCheck.diagnosis;
      const atMs = Date.parse(at);
      const known = targets.get(target)?.watching;
      // Further apart, in either direction, is no row: nobody checked, or the clock was set.
      const isRow = known !== undefined && Math.abs(atMs - known.lastMs) <= gapMs;
      if (isRow && atMs < known.lastMs) return undefined;
      const before = isRow ? known : undefined;
      const watching: Watching = {
        sinceMs: before?.sinceMs ?? atMs,
        lastMs: atMs,
        trouble: countTrouble(before?.trouble ?? null, verdict, atMs),
        ...countLost(before, { verdict, atMs, isLost: isOutOfReach(targetCheck.diagnosis) }),
        peak: higher(before?.peak ?? null, capacity === null ? null : { at, ...capacity }),
        doubt: before?.doubt ?? null,
        words: before?.words ?? null,
        changedMs: (before?.changedMs ?? []).filter((changed) => atMs - changed < unrestMs),
      };
      const isCalm = verdict === 'calm';
      const sentence = isCalm ? headline : `${headline} ${why}`;
      const kept = isCalm ? undefined : targetCheck;
      const isInTrouble = watching.trouble !== null;
      targets.set(target, { watching, verdict, isInTrouble, sentence, targetCheck: kept });
      return watching;
    },
    settle(target, { observation, differs, isKept }) {
      const known = targets.get(target);
      if (known === undefined) return;
      const { watching } = known;
      const isOpen = differs !== '' && !isKept;
      const doubt = isOpen ? { differs, checks: agreeing(watching, differs) } : null;
      const words = wordsOf(observation);
      const isChange = watching.words !== null && watching.words !== words;
      const changedMs = isChange ? [...watching.changedMs, watching.lastMs] : watching.changedMs;
      targets.set(target, { ...known, watching: { ...watching, doubt, words, changedMs } });
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

/** What an incident knew before a check. */
interface Known {
  readonly before: Observation | null;
  /** A remedy has run: a check says whether it is over, and not any more what it was. */
  readonly isChanged: boolean;
}

/**
 * What an incident remembers of a check. A subject that no configuration names is text of a database, and stays out.
 * Below the warning line a cause is read from old log lines and the like, and after a change from what the change left
 * behind: there the one of the check before it stands.
 */
export function toObservation(
  diagnosis: Diagnosis,
  target: Target,
  { before, isChanged }: Known = { before: null, isChanged: false },
): Observation {
  const { takenAt, state, headline, verdict, capacity } = diagnosis;
  const [proposal] = diagnosis.proposals;
  const calm = judgeCheck(diagnosis, target) === 'calm';
  const isSettled = calm || (isChanged && (before?.cause ?? null) !== null);
  return {
    at: takenAt,
    state,
    headline,
    verdict,
    capacity: capacity === null ? null : { used: capacity.used, usable: capacity.usable },
    ...(isSettled ? causeBefore(before) : causeNow(diagnosis)),
    option: calm ? null : (proposal?.option ?? null),
    subject: calm ? (before?.subject ?? null) : configuredName(target, proposal?.subject ?? null),
  };
}

function causeNow({ causes: [cause] }: Diagnosis): Pick<Observation, 'cause' | 'confidence'> {
  return cause === undefined
    ? { cause: null }
    : { cause: cause.cause, confidence: cause.confidence };
}

function causeBefore(before: Observation | null): Pick<Observation, 'cause' | 'confidence'> {
  const { cause = null, confidence } = before ?? {};
  return { cause, ...(confidence !== undefined && { confidence }) };
}

/** The name if the configuration has it as a service's or its application's, else null. */
export function configuredName(
  { services }: Pick<Target, 'services'>,
  name: string | null,
): string | null {
  const isKnown = services.some((service) => name === service.name || name === service.application);
  return isKnown ? name : null;
}

/** In which words, not figures, a check differs from the one that was kept: empty where it does not. */
export function difference(kept: Observation | null, observation: Observation): string {
  if (kept === null) return 'first';
  const isSame =
    kept.state === observation.state &&
    kept.cause === observation.cause &&
    kept.option === observation.option &&
    kept.subject === observation.subject &&
    (kept.capacity === null) === (observation.capacity === null);
  return isSame ? '' : wordsOf(observation);
}

function wordsOf({ state, cause, option, subject, capacity }: Observation): string {
  return [state, cause, option, subject, capacity === null ? 'unseen' : 'seen'].join(' ');
}

const ranks: Readonly<Record<Observation['state'], number>> = {
  fine: 0,
  warning: 1,
  unknown: 2,
  critical: 3,
};

const unrestMs = 3 * 60_000;
/** After so many changes within that time a further one has to stay. */
const mostChanges = 2;
const staysFor = 3;

/** How many checks in a row say the same, this one included. */
function agreeing({ doubt }: Watching, differs: string): number {
  return doubt?.differs === differs ? doubt.checks + 1 : 1;
}

/**
 * Whether what a check differs in is kept and told: worse, or not reached any more, at once; anything else when the next
 * check says the same. While a server goes back and forth, only what stays so for three checks.
 */
export function isTold(
  kept: Observation | null,
  observation: Observation,
  watching: Watching,
): boolean {
  const differs = difference(kept, observation);
  if (differs === '') return false;
  const { changedMs, words } = watching;
  const changes = changedMs.length + (words === null || words === wordsOf(observation) ? 0 : 1);
  const needed = changes > mostChanges ? staysFor : isWorse(kept, observation) ? 1 : 2;
  return agreeing(watching, differs) >= needed;
}

function isWorse(kept: Observation | null, observation: Observation): boolean {
  if (kept === null) return true;
  const isLost = kept.capacity !== null && observation.capacity === null;
  return isLost || ranks[observation.state] > ranks[kept.state];
}

/** A peak is news from five hundredths of the slots above the last one. */
export function isNewPeak(
  { peak }: Pick<Incident, 'peak'>,
  observation: { readonly used: number; readonly usable: number },
): boolean {
  return peak === null || observation.used >= peak.used + Math.max(1, observation.usable * 0.05);
}
