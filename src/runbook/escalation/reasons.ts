import type { ApprovalRequest } from '../approvals/request.ts';
import type { OutcomeWord } from '../approvals/verify/outcome.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import { outcomeWords } from '../incidents/record-request.ts';
import { lifeStartMs } from '../incidents/incident.ts';
import type { IncidentView } from '../incidents/incidents.ts';
import { reasonNames } from '../incidents/rules.ts';
import type { EscalationReason, ReasonName } from '../incidents/rules.ts';
import { nameOf } from '../remedies/remedy-request.ts';
import type { Action } from '../remedies/remedy-request.ts';
import type { Item } from '../remedies/remedy.ts';
import { capital, count, durationOfSeconds, list, percent } from '../snapshot/words.ts';

/** What the runbook's five reasons are judged by. */
interface ReasonCase {
  readonly nowMs: number;
  /** Since when the incident stands, or stands again. */
  readonly sinceMs: number;
  /** Null before the first check after a start: then only what the journal says counts. */
  readonly diagnosis: Diagnosis | null;
  /** The latest check says that it is not over. */
  readonly isInTrouble: boolean;
  /** Of the present life of the incident, oldest first. */
  readonly requests: readonly ApprovalRequest[];
  readonly ineffective: IncidentView['ineffective'];
}

/** A reason's evidence: a sentence of figures and configured names, or null where it does not hold. */
type JudgeReason = (reasonCase: ReasonCase) => string | null;

function toReasonCase(view: IncidentView, nowMs: number): ReasonCase {
  const { incident, diagnosis, requests, ineffective } = view;
  const sinceMs = lifeStartMs(incident);
  const state = diagnosis?.state ?? incident.last?.state ?? 'unknown';
  return {
    nowMs,
    sinceMs,
    diagnosis,
    isInTrouble: state !== 'fine',
    // A proposal that was made before the incident came back may end after it did.
    requests: requests.filter((request) => lastTouchMs(request) >= sinceMs),
    ineffective,
  };
}

function lastTouchMs({ proposedAt, result }: ApprovalRequest): number {
  return Date.parse(result?.endedAt ?? proposedAt);
}

/** `pid 4711` or a container's name, told by the request's report. */
function outcomesOf({ result }: ApprovalRequest): ReadonlyMap<string, Item['outcome']> {
  return new Map(result?.report.items.map(({ what, outcome }) => [what, outcome]));
}

/** After these the work of a transaction that had written is gone, or may be. */
const lost: ReadonlySet<string> = new Set(['ended', 'cancelled', 'unknown']);
const mostPids = 10;

/** "Data integrity concerns from terminated queries": what somebody wrote, and was not committed. */
const judgeDataIntegrity: JudgeReason = ({ requests }) => {
  const concerns = requests.flatMap((request) => {
    const what = [...lostWriters(request), ...rolledBack(request), ...killed(request)];
    return what.length === 0 ? [] : [`${capital(nameOf(request.option))} ${list(what)}.`];
  });
  return concerns.length === 0 ? null : concerns.slice(-3).join(' ');
};

function lostWriters(request: ApprovalRequest): string[] {
  const outcomes = outcomesOf(request);
  const pids = request.plan.targets.flatMap((target) => {
    if (target.kind !== 'session' && target.kind !== 'blocker') return [];
    const { pid } = target.identity;
    return target.hasWritten && lost.has(outcomes.get(`pid ${pid}`) ?? '') ? [pid] : [];
  });
  if (pids.length === 0) return [];
  const shown = `${pids.slice(0, mostPids).join(', ')}${pids.length > mostPids ? ' and others' : ''}`;
  return [`stopped ${count(pids.length, 'session')} that had written: pid ${shown}`];
}

/** Its name is text out of the database. The client that prepared it may have been promised that it holds. */
function rolledBack({ option, result }: ApprovalRequest): string[] {
  const isGone = result?.report.items.some(({ outcome }) => outcome === 'rolled back') === true;
  return option === 'prepared' && isGone ? ['rolled back a prepared transaction'] : [];
}

/** A process that was killed finished nothing it was at. */
function killed({ result }: ApprovalRequest): string[] {
  const names = (result?.report.items ?? []).filter((item) => item.killed === true);
  return names.length === 0 ? [] : [`killed ${count(names.length, 'container')} that did not end`];
}

/** What changes how production is set up, and so outlives the night. */
const changesConfiguration: ReadonlySet<Action> = new Set(['B', 'E', 'prevention']);

/** "Database needs configuration changes in production": it is proposed already, or is what is left to do. */
const judgeNeedsConfigurationChange: JudgeReason = (reasonCase) => {
  const { nowMs, requests } = reasonCase;
  const waiting = requests.find(
    ({ state, option, expiresAt }) =>
      state === 'proposed' && changesConfiguration.has(option) && Date.parse(expiresAt) > nowMs,
  );
  if (waiting !== undefined) {
    const lacking = Math.max(1, waiting.votesNeeded - waiting.votes.length);
    return `${capital(nameOf(waiting.option))} changes the configuration and needs ${count(lacking, 'more vote')}.`;
  }
  return recommended(reasonCase);
};

function recommended({ diagnosis, isInTrouble, ineffective }: ReasonCase): string | null {
  if (diagnosis === null || !isInTrouble) return null;
  const { proposals } = diagnosis;
  const left = proposals.filter(
    ({ option, subject }) =>
      !ineffective.some((one) => one.option === option && one.subject === subject),
  );
  const [first] = left;
  if (first === undefined || !changesConfiguration.has(first.option)) return null;
  const what = capital(nameOf(first.option));
  return left.length < proposals.length
    ? `Other remedies did not help. ${what} is left and changes the configuration.`
    : `${what} fits best and changes the configuration.`;
}

/** By then a remedy that helped shows it. */
const helpsWithinMs = 5 * 60_000;
const didNotHelp: ReadonlySet<OutcomeWord> = new Set(['partly', 'unchanged', 'refilled', 'worse']);

/** "Issue persists after remediation steps". Only the latest step counts: it may have fixed what an earlier did not. */
const judgePersistsAfterRemedy: JudgeReason = ({ nowMs, isInTrouble, requests }) => {
  const latest = requests
    .filter(({ result }) => result !== null)
    .toSorted(byEnd)
    .at(-1);
  if (!isInTrouble || latest?.result === null || latest === undefined) return null;
  const { endedAt, outcome } = latest.result;
  const option = capital(nameOf(latest.option));
  if (outcome !== null && didNotHelp.has(outcome.word)) {
    return `${option} did not fix it (${outcomeWords[outcome.word]}). ${outcome.sentence}`;
  }
  const sinceMs = nowMs - Date.parse(endedAt);
  if (sinceMs < helpsWithinMs) return null;
  return `${option} ran ${durationOfSeconds(sinceMs / 1000)} ago, but the problem persists.`;
};

function byEnd(a: ApprovalRequest, b: ApprovalRequest): number {
  return Date.parse(a.result?.endedAt ?? '') - Date.parse(b.result?.endedAt ?? '');
}

/** Less than a tenth of the slots is what a job beside the application holds. */
const shareOf = 0.1;
/** Log lines of people who got no connection, in the words of the application, the pooler and PostgreSQL. */
const refusals: ReadonlySet<string> = new Set([
  'slots-full',
  'slots-reserved',
  'role-or-database-limit',
  'pool-timeout',
  'pooler-login',
  'pooler-limit',
  'pooler-query-wait',
]);
/** The first refusals come before anybody opens an incident. */
const beforeMs = 5 * 60_000;
const mostNames = 10;

/** "Multiple applications affected": two or more configured services are refused, or wait. */
const judgeSeveralApplications: JudgeReason = ({ diagnosis, sinceMs, isInTrouble }) => {
  if (diagnosis === null || !isInTrouble) return null;
  const configured = diagnosis.budget.lines.map(({ service }) => service);
  const refusedInLogs = refusedServices(diagnosis, sinceMs - beforeMs);
  const holding = largeHolders(diagnosis);
  const isFull = diagnosis.capacity?.free === 0 || diagnosis.reach.error?.kind === 'full';
  const waiting = waitingServices(diagnosis);
  const affected = configured.filter(
    (name) => refusedInLogs.has(name) || (holding.has(name) && (isFull || waiting.has(name))),
  );
  if (affected.length < 2) return null;
  const names = list(affected.slice(0, mostNames));
  return `${affected.length} services cannot connect or wait: ${names}.`;
};

function refusedServices({ logs }: Diagnosis, fromMs: number): ReadonlySet<string> {
  const recent = logs.filter(({ classes }) =>
    classes.some(
      ({ class: name, count, lastAt }) =>
        refusals.has(name) && count > 0 && (lastAt === null || Date.parse(lastAt) >= fromMs),
    ),
  );
  return new Set(recent.map(({ service }) => service));
}

function largeHolders({ holders, capacity }: Diagnosis): ReadonlySet<string> {
  const least = capacity === null ? Infinity : capacity.usable * shareOf;
  return new Set(
    holders.flatMap(({ service, total }) => (service !== null && total >= least ? [service] : [])),
  );
}

/** Whose sessions wait for a lock, told by the client or the application they come from. */
function waitingServices({ blocking, sessions, sources }: Diagnosis): ReadonlySet<string> {
  const pids = new Set(blocking.waiters.map(({ pid }) => pid));
  const names = sessions
    .filter(({ pid }) => pids.has(pid))
    .flatMap(({ application, client }) => {
      const source = sources.find(
        (one) => one.application === application && one.client === client,
      );
      return source === undefined || source.service === null ? [] : [source.service];
    });
  return new Set(names);
}

/** A first check may come before the picture is clear; after two minutes of checks it is as clear as it gets. */
const searchForMs = 2 * 60_000;
/** Below, a cause is a guess: the diagnosis names it with its confidence and acts on nothing. */
const sureFrom = 0.5;

/** "Cannot identify source of connection leak": nothing explains it, or the most belong to nobody known. */
const judgeSourceNotIdentified: JudgeReason = (reasonCase) => {
  const { nowMs, sinceMs, diagnosis, isInTrouble } = reasonCase;
  if (diagnosis === null || !isInTrouble || nowMs - sinceMs < searchForMs) return null;
  const searched = `After ${durationOfSeconds((nowMs - sinceMs) / 1000)}`;
  if (diagnosis.capacity === null && diagnosis.reach.error !== undefined) {
    return `${searched} the holders of the connections are still unknown: PostgreSQL cannot be reached (${diagnosis.reach.error.kind}).`;
  }
  const [likeliest] = diagnosis.causes;
  if (likeliest === undefined) return `${searched} no cause fits.`;
  if (likeliest.confidence < sureFrom) {
    const name = likeliest.cause.replaceAll('-', ' ');
    return `${searched} the most likely cause is ${name}, only ${percent(likeliest.confidence)} sure.`;
  }
  return unknownHolder(reasonCase, searched);
};

/** Its name is text out of the database, so it is left out. Without configured services nothing belongs to one. */
function unknownHolder({ diagnosis }: ReasonCase, searched: string): string | null {
  const largest = diagnosis?.holders[0];
  const usable = diagnosis?.capacity?.usable;
  if (largest === undefined || usable === undefined || diagnosis?.budget.lines.length === 0) {
    return null;
  }
  if (largest.service !== null) return null;
  return `${searched} the largest holder (${largest.total} of ${usable} slots) belongs to no configured service.`;
}

const judges: Readonly<Record<ReasonName, JudgeReason>> = {
  'source-not-identified': judgeSourceNotIdentified,
  'persists-after-remedy': judgePersistsAfterRemedy,
  'needs-configuration-change': judgeNeedsConfigurationChange,
  'data-integrity': judgeDataIntegrity,
  'several-applications': judgeSeveralApplications,
};

/** Which of the runbook's five reasons to escalate hold now, in its order, each with its evidence. */
export function findReasons(view: IncidentView, nowMs: number): EscalationReason[] {
  const reasonCase = toReasonCase(view, nowMs);
  return reasonNames.flatMap((name) => {
    const sentence = judges[name](reasonCase);
    return sentence === null ? [] : [{ name, sentence }];
  });
}
