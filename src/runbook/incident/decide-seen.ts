import type { Examination } from '../diagnose/evidence.ts';
import { list } from '../diagnose/words.ts';
import type { Decision } from './change-incident.ts';
import type { Incident, IncidentChange, Seen, Trigger } from './incident.ts';
import type { LookVerdict } from './judge-look.ts';
import { keepExamination } from './kept-examination.ts';
import type { ExaminationReason } from './kept-examination.ts';
import type { Peak, Watching } from './look-memory.ts';
import type { Note } from './note.ts';
import type { Remembered } from './note-memory.ts';
import type { IncidentRules } from './rules.ts';
import { difference, isNewPeak, isWorse } from './to-seen.ts';
import { addTrigger, alertTriggers, endOthers, firingAlerts, hasActive } from './triggers.ts';
import { worse } from './worse.ts';

/** One look at the target of an open incident, and what the looks before it said. */
interface Sight {
  readonly seen: Seen;
  readonly look: LookVerdict;
  readonly poolNearLimit: boolean;
  readonly watching: Watching;
  readonly examination: Examination;
  readonly remembered: Remembered;
  /** Requests that ended, and no look was kept since. */
  readonly owed: readonly string[];
  /** A target whose incident became a part of this one is in trouble. */
  readonly partInTrouble: boolean;
  readonly rules: IncidentRules;
}

/** The runbook's own alert about an application's pool: a calm server does not answer it. */
const poolAlert = 'SQLAlchemyPoolExhausted';
/** Somebody who opens an incident by hand saw something that looks do not show. */
const leastCalmForPersonMs = 5 * 60_000;

/** What a look makes of an open incident: null where it says what is known, so that not every look is written. */
export function decideSeen(incident: Incident, sight: Sight): Decision {
  if (incident.state !== 'open') return null;
  const calmSince = isCalm(incident, sight) ? (incident.calmSince ?? sight.seen.at) : null;
  if (isOver({ ...incident, calmSince }, sight) && firingAlerts(incident).length === 0) {
    return resolve(incident, calmSince, sight);
  }
  const joined = watchJoins(incident, sight);
  const stillFires = toStillFires({ ...incident, calmSince }, sight);
  const sentence = stillFires?.sentence ?? toSentence(incident, sight, joined);
  const facts = { ...stillFires?.facts, ...evidenceOf(incident, sight) };
  const hasFacts = Object.keys(facts).length > 0;
  if (sentence === null && !hasFacts && calmSince === incident.calmSince) return null;
  return {
    state: 'open',
    change: {
      calmSince,
      ...(joined !== null && { triggers: addTrigger(incident.triggers, joined) }),
      ...(sentence !== null && remember(incident, sight)),
    },
    note: {
      kind: joined === null ? 'incident-seen' : 'incident-joined',
      sentence,
      ...(hasFacts && { facts }),
    },
  };
}

export function isCalm(
  incident: Pick<Incident, 'triggers'>,
  { look, poolNearLimit }: Pick<Sight, 'look' | 'poolNearLimit'>,
): boolean {
  if (look !== 'calm') return false;
  const isAboutPool = alertTriggers(incident.triggers).some(({ name }) => name === poolAlert);
  return !(isAboutPool && poolNearLimit);
}

/** Long enough calm, as far as this process has looked itself: what it did not see may have been trouble. */
export function isOver(
  incident: Pick<Incident, 'calmSince' | 'triggers'>,
  { watching, rules, partInTrouble }: Pick<Sight, 'watching' | 'rules' | 'partInTrouble'>,
): boolean {
  if (incident.calmSince === null || partInTrouble) return false;
  const byPerson = hasActive(incident, 'person');
  const closeAfterMs = byPerson
    ? Math.max(rules.closeAfterMs, leastCalmForPersonMs)
    : rules.closeAfterMs;
  const sinceMs = Math.max(Date.parse(incident.calmSince), watching.sinceMs);
  return watching.lastMs - sinceMs >= closeAfterMs;
}

/** Whether looks have said trouble for long enough to say it aloud. */
export function hasLasted({ watching, rules }: Pick<Sight, 'watching' | 'rules'>): boolean {
  const { trouble, lastMs } = watching;
  if (isLost(watching)) return true;
  if (trouble === null) return false;
  // One look is no row, unless somebody wants no delay at all.
  const isRow = trouble.looks > 1 || rules.openAfterMs === 0;
  return isRow && lastMs - trouble.sinceMs >= rules.openAfterMs;
}

/** A network that is away for a moment is none of ours; a server that was there and stays away is. */
const lostForMs = 2 * 60_000;

export function isLost({ lostSinceMs, lastMs }: Watching): boolean {
  return lostSinceMs !== null && lastMs - lostSinceMs >= lostForMs;
}

export function watchTrigger({ trouble, lostSinceMs, lastMs }: Watching): Trigger {
  const startsAt = new Date(trouble?.sinceMs ?? lostSinceMs ?? lastMs).toISOString();
  return { kind: 'watch', startsAt, endedAt: null };
}

/** The worst the slots were, as a look that is written down brings it up to date. */
export function peakOf(before: Peak | null, { peak }: Watching): Peak | null {
  if (peak === null || (before !== null && before.used >= peak.used)) return before;
  return peak;
}

function resolve(incident: Incident, calmSince: string | null, sight: Sight): Decision {
  const { seen, remembered, examination, watching } = sight;
  const since = clockTime(calmSince ?? seen.at, seen.at);
  const sentence = `It is over: every look since ${since} UTC says so. ${seen.headline}`;
  return {
    state: 'resolved',
    change: {
      calmSince,
      triggers: endOthers(incident.triggers, seen.at),
      last: seen,
      first: incident.first ?? seen,
      peak: peakOf(incident.peak, watching),
      closing: { by: null, at: seen.at, sentence, reason: null },
    },
    note: {
      kind: 'incident-resolved',
      sentence,
      ...(remembered.mayKeepEnd && { facts: keepExamination('end', examination) }),
    },
  };
}

function watchJoins(incident: Incident, sight: Sight): Trigger | null {
  const isTrouble = sight.look === 'trouble' && hasLasted(sight);
  return isTrouble && !hasActive(incident, 'watch') ? watchTrigger(sight.watching) : null;
}

function toSentence(incident: Incident, sight: Sight, joined: Trigger | null): string | null {
  const { seen, watching, look } = sight;
  // A calm look's verdict is about what is left in the logs.
  const state = look === 'calm' ? seen.headline : `${seen.headline} ${seen.verdict}`;
  const differs = difference(incident.last, seen);
  if (differs !== '' && (isWorse(incident.last, seen) || watching.doubt === differs)) return state;
  if (look !== 'calm' && seen.capacity !== null && isNewPeak(incident, seen.capacity)) {
    return `More than before: ${seen.headline}`;
  }
  return joined === null ? null : `dbconn's own looks say critical too. ${state}`;
}

/** That only Alertmanager keeps it open: said once for each time it calms down. */
function toStillFires(
  incident: Incident,
  sight: Sight,
): { readonly sentence: string; readonly facts: Record<string, unknown> } | null {
  const { remembered, seen } = sight;
  const key = `still-fires:${incident.calmSince ?? ''}`;
  if (!isOver(incident, sight) || remembered.has(key)) return null;
  const firing = [...new Set(firingAlerts(incident).map(({ name }) => name))];
  const names = `${list(firing)} still ${firing.length === 1 ? 'fires' : 'fire'}`;
  const since = clockTime(incident.calmSince ?? seen.at, seen.at);
  const sentence = `Looks have said since ${since} UTC that it is over (${seen.headline.replace(/\.$/, '')}), but Alertmanager says ${names}: it stays open until that ends, or somebody closes it.`;
  return { sentence, facts: { key } };
}

function evidenceOf(incident: Incident, sight: Sight): Note['facts'] {
  const why = sight.remembered.mayKeep ? reasonToKeep(incident, sight) : undefined;
  return why === undefined ? {} : keepExamination(why, sight.examination);
}

function reasonToKeep(incident: Incident, sight: Sight): ExaminationReason | undefined {
  const { look, remembered, seen, watching, owed } = sight;
  const [ended] = owed;
  if (ended !== undefined) return `after:${ended}`;
  if (!remembered.has('first'))
    return look === 'trouble' || look === 'uneasy' ? 'first' : undefined;
  const { last } = incident;
  if (seen.cause === null || seen.cause === last?.cause) return undefined;
  return isWorse(last, seen) || watching.doubt === difference(last, seen) ? 'cause' : undefined;
}

function remember(incident: Incident, { seen, look, watching }: Sight): IncidentChange {
  return {
    first: incident.first ?? seen,
    last: seen,
    peak: peakOf(incident.peak, watching),
    severity: look === 'trouble' ? worse(incident.severity, 'critical') : incident.severity,
  };
}

/** `03:05:10`: of one night, seconds matter and the date does not; with its day where that is another one. */
export function clockTime(at: string, seenFrom = at): string {
  const time = at.slice(11, 19);
  const day = at.slice(0, 10);
  return day === seenFrom.slice(0, 10) ? time : `${day} ${time}`;
}
