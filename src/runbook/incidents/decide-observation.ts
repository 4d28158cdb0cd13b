import type { TargetCheck } from '../diagnose/evidence.ts';
import { durationOfSeconds, list } from '../snapshot/words.ts';
import type { Decision } from './change.ts';
import type { Note } from './incident-log.ts';
import type { Incident, IncidentChange, Observation, Trigger } from './incident.ts';
import { moreSevere } from './incident.ts';
import { keepCheck } from './kept-checks.ts';
import type { KeptCheckReason, Remembered } from './kept-checks.ts';
import type { CheckVerdict, Peak, Watching } from './observation.ts';
import { isNewPeak, isTold } from './observation.ts';
import type { IncidentRules } from './rules.ts';
import { addTrigger, alertTriggers, endOthers, firingAlerts, hasActive } from './triggers.ts';

/** One check at the target of an open incident, and what the checks before it said. */
interface CheckResult {
  readonly observation: Observation;
  readonly checkVerdict: CheckVerdict;
  readonly poolNearLimit: boolean;
  readonly watching: Watching;
  readonly targetCheck: TargetCheck;
  readonly remembered: Remembered;
  /** Requests that ended, and no check was kept since. */
  readonly pending: readonly string[];
  /** A target whose incident became a part of this one is in trouble. */
  readonly partInTrouble: boolean;
  readonly rules: IncidentRules;
}

/** The runbook's own alert about an application's pool: a calm server does not answer it. */
const poolAlert = 'SQLAlchemyPoolExhausted';
/** Somebody who opens an incident by hand saw something that checks do not show. */
const leastCalmForPersonMs = 5 * 60_000;

/** What a check makes of an open incident: null where it says what is known, so that not every check is written. */
export function decideObservation(incident: Incident, checkResult: CheckResult): Decision {
  if (incident.state !== 'open') return null;
  const calmSince = isCalm(incident, checkResult)
    ? (incident.calmSince ?? checkResult.observation.at)
    : null;
  if (isOver({ ...incident, calmSince }, checkResult) && firingAlerts(incident).length === 0) {
    return resolve(incident, calmSince, checkResult);
  }
  const joined = watchJoins(incident, checkResult);
  const stillFires = toStillFires({ ...incident, calmSince }, checkResult);
  const sentence = stillFires?.sentence ?? toSentence(incident, checkResult, joined);
  const facts = { ...stillFires?.facts, ...evidenceOf(incident, checkResult) };
  const hasFacts = Object.keys(facts).length > 0;
  if (sentence === null && !hasFacts && calmSince === incident.calmSince) return null;
  return {
    state: 'open',
    change: {
      calmSince,
      ...(joined !== null && { triggers: addTrigger(incident.triggers, joined) }),
      ...(sentence !== null && remember(incident, checkResult)),
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
  { checkVerdict, poolNearLimit }: Pick<CheckResult, 'checkVerdict' | 'poolNearLimit'>,
): boolean {
  if (checkVerdict !== 'calm') return false;
  const isAboutPool = alertTriggers(incident.triggers).some(({ name }) => name === poolAlert);
  return !(isAboutPool && poolNearLimit);
}

/** Long enough calm, as far as this process has checked itself: what it did not see may have been trouble. */
export function isOver(
  incident: Pick<Incident, 'calmSince' | 'triggers'>,
  { watching, rules, partInTrouble }: Pick<CheckResult, 'watching' | 'rules' | 'partInTrouble'>,
): boolean {
  if (incident.calmSince === null || partInTrouble) return false;
  const byPerson = hasActive(incident, 'person');
  const closeAfterMs = byPerson
    ? Math.max(rules.closeAfterMs, leastCalmForPersonMs)
    : rules.closeAfterMs;
  const sinceMs = Math.max(Date.parse(incident.calmSince), watching.sinceMs);
  return watching.lastMs - sinceMs >= closeAfterMs;
}

/** Whether checks have said trouble for long enough to say it aloud. */
export function hasLasted({ watching, rules }: Pick<CheckResult, 'watching' | 'rules'>): boolean {
  const { trouble, lastMs } = watching;
  if (isLost(watching)) return true;
  if (trouble === null) return false;
  // One check is no row, unless somebody wants no delay at all.
  const isRow = trouble.checks > 1 || rules.openAfterMs === 0;
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

/** The worst the slots were, as a check that is written down brings it up to date. */
export function peakOf(before: Peak | null, { peak }: Watching): Peak | null {
  if (peak === null || (before !== null && before.used >= peak.used)) return before;
  return peak;
}

function resolve(incident: Incident, calmSince: string | null, checkResult: CheckResult): Decision {
  const { observation, remembered, targetCheck, watching } = checkResult;
  const sentence = `${lately(calmSince, observation.at)} was fine. ${observation.headline}`;
  return {
    state: 'resolved',
    change: {
      calmSince,
      triggers: endOthers(incident.triggers, observation.at),
      last: observation,
      first: incident.first ?? observation,
      peak: peakOf(incident.peak, watching),
      closing: { by: null, at: observation.at, sentence, reason: null },
    },
    note: {
      kind: 'incident-resolved',
      sentence,
      ...(remembered.mayKeepEnd && { facts: keepCheck('end', targetCheck) }),
    },
  };
}

function watchJoins(incident: Incident, checkResult: CheckResult): Trigger | null {
  const isTrouble = checkResult.checkVerdict === 'trouble' && hasLasted(checkResult);
  return isTrouble && !hasActive(incident, 'watch') ? watchTrigger(checkResult.watching) : null;
}

function toSentence(
  incident: Incident,
  checkResult: CheckResult,
  joined: Trigger | null,
): string | null {
  const { observation, watching, checkVerdict } = checkResult;
  // A calm check's verdict is about what is left in the logs; where PostgreSQL was not seen it says the same again.
  const state =
    checkVerdict === 'calm' || observation.capacity === null
      ? observation.headline
      : `${observation.headline} ${observation.verdict}`;
  if (isTold(incident.last, observation, watching)) return state;
  if (
    checkVerdict !== 'calm' &&
    observation.capacity !== null &&
    isNewPeak(incident, observation.capacity)
  ) {
    return `New peak: ${observation.headline}`;
  }
  return joined === null ? null : `dbconn's own checks are critical too. ${state}`;
}

/** That only Alertmanager keeps it open: said once for each time it calms down. */
function toStillFires(
  incident: Incident,
  checkResult: CheckResult,
): { readonly sentence: string; readonly facts: Record<string, unknown> } | null {
  const { remembered, observation } = checkResult;
  const key = `still-fires:${incident.calmSince ?? ''}`;
  if (!isOver(incident, checkResult) || remembered.has(key)) return null;
  const firing = [...new Set(firingAlerts(incident).map(({ name }) => name))];
  const names = `${list(firing)} still ${firing.length === 1 ? 'fires' : 'fire'}`;
  const sentence = `${lately(incident.calmSince, observation.at)} was fine, but ${names}. The incident stays open. ${observation.headline}`;
  return { sentence, facts: { key } };
}

function evidenceOf(incident: Incident, checkResult: CheckResult): Note['facts'] {
  const why = checkResult.remembered.mayKeep ? reasonToKeep(incident, checkResult) : undefined;
  return why === undefined ? {} : keepCheck(why, checkResult.targetCheck);
}

function reasonToKeep(incident: Incident, checkResult: CheckResult): KeptCheckReason | undefined {
  const { checkVerdict, remembered, observation, watching, pending } = checkResult;
  const [ended] = pending;
  if (ended !== undefined) return `after:${ended}`;
  if (!remembered.has('first'))
    return checkVerdict === 'trouble' || checkVerdict === 'uneasy' ? 'first' : undefined;
  const { last } = incident;
  if (observation.cause === null || observation.cause === last?.cause) return undefined;
  return isTold(last, observation, watching) ? 'cause' : undefined;
}

function remember(
  incident: Incident,
  { observation, checkVerdict, watching }: CheckResult,
): IncidentChange {
  return {
    first: incident.first ?? observation,
    last: observation,
    peak: peakOf(incident.peak, watching),
    severity:
      checkVerdict === 'trouble' ? moreSevere(incident.severity, 'critical') : incident.severity,
  };
}

/** `Every check in the last 2 minutes`: those from then on. */
function lately(since: string | null, at: string): string {
  const seconds = secondsBetween(since ?? at, at);
  return seconds < 1 ? 'The last check' : `Every check in the last ${durationOfSeconds(seconds)}`;
}

export function secondsBetween(from: string, to: string): number {
  return Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000);
}
