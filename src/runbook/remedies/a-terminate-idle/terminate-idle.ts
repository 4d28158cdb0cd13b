import type { Clock } from '../../../timing.ts';
import { skipSentences, toSkipGuard } from '../../diagnose/protected-sessions.ts';
import type { Target } from '../../snapshot/target.ts';
import { count, durationOfMs } from '../../snapshot/words.ts';
import type { Plan, PlanDraft, SessionTarget, Skipped } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { PrivilegedUnavailable, done, hasOpenStep, refuse, settledAfterMs } from '../remedy.ts';
import type { Answer, Interrupted, Item, Recheck, Remedy, Report } from '../remedy.ts';
import { batchSize, endSessions, waitUntilGone } from './end-sessions.ts';
import type { Candidate, CandidateQuery, Candidates, PrivilegedConnection } from './ports.ts';

export interface OptionAPorts {
  readonly privileged: PrivilegedConnection;
  readonly clock: Clock;
  readonly target: Target;
  readonly poolerApplications?: readonly string[];
  /** Of one plan; all unless given. */
  readonly mostSessionsOfPlan?: number;
}

type IdleRequest = Extract<RemedyRequest, { kind: 'idle' | 'idle-in-transaction' }>;

/** Which sessions an ask is about. The same query plans, checks again and guards the signal. */
function toQuery({ target, poolerApplications }: OptionAPorts, ask: IdleRequest): CandidateQuery {
  const { idleForMs, application = null } = ask;
  const states: CandidateQuery['states'] =
    ask.kind === 'idle' ? ['idle'] : ['idle in transaction', 'idle in transaction (aborted)'];
  const guard = { ...toSkipGuard(target, poolerApplications), idleForMs };
  return { states, idleForMs, application, guard };
}

function toIdleRequest(ask: RemedyRequest): IdleRequest {
  if (ask.kind === 'idle' || ask.kind === 'idle-in-transaction') return ask;
  throw new Error('Option A only ends idle sessions.');
}

function sessionsOf(targets: Plan['targets']): SessionTarget[] {
  return targets.filter((target) => target.kind === 'session');
}

/** `idle in transaction for over 10 min`. */
function inWords(ask: IdleRequest): string {
  return ask.kind === 'idle'
    ? `of one application idle for over ${durationOfMs(ask.idleForMs)}`
    : `idle in transaction for over ${durationOfMs(ask.idleForMs)}`;
}

interface Found {
  readonly candidates: Candidates;
  readonly sorted: Sorted;
}

/** The plan of option A, with what it costs and brings, from what was found. */
function draftTermination(
  target: string,
  ask: IdleRequest,
  { candidates, sorted }: Found,
): PlanDraft {
  const { targets, skipped, skippedTotal } = sorted;
  return {
    option: 'A',
    target,
    ask,
    title: `End ${count(targets.length, 'session')} ${inWords(ask)}`,
    subject: ask.application ?? null,
    targets: [...targets],
    skipped: [...skipped],
    skippedTotal: skippedTotal + candidates.total - candidates.sessions.length,
    cost: ask.kind === 'idle' ? costOfIdle : costOfTransactions(targets),
    frees: { slots: targets.length, sentence: refill(targets.length, candidates.newIn60s) },
    undo: 'Not possible. The application opens new sessions.',
    undoAsk: null,
    steps: stepsFor(targets.length),
    risk: targets.some(({ hasWritten }) => hasWritten) ? 'medium' : 'low',
  };
}

/** One step for each batch: between two of them it can be stopped. */
function stepsFor(sessions: number): string[] {
  const batches = Math.ceil(sessions / batchSize);
  return Array.from({ length: batches }, (_, index) => {
    const size = Math.min(batchSize, sessions - index * batchSize);
    return `End ${count(size, 'session')}, each checked again by the statement that ends it`;
  });
}

const costOfIdle = [
  'No transaction is lost.',
  'A pool without pre-ping returns one error for each ended session.',
  'The pool reopens them when needed, so the relief is temporary.',
];

function costOfTransactions(targets: readonly SessionTarget[]): string[] {
  const writers = targets.filter(({ hasWritten }) => hasWritten).length;
  const locks = targets.reduce((sum, { locksHeld }) => sum + locksHeld, 0);
  const ages = targets.map(({ transactionAgeSeconds }) => transactionAgeSeconds ?? 0);
  const oldest = durationOfMs(Math.max(0, ...ages) * 1000);
  return [
    `${count(targets.length, 'transaction is', 'transactions are')} rolled back, the oldest open for ${oldest}.`,
    ...(writers > 0 ? [`${writers} of them wrote data: that work is lost.`] : []),
    ...(locks > 0 ? [`${count(locks, 'lock')} released.`] : []),
  ];
}

function refill(slots: number, newIn60s: number): string {
  const frees = `Frees ${count(slots, 'connection')}`;
  if (newIn60s === 0) return `${frees}. No connection was opened in the last minute.`;
  const minutes = slots / newIn60s;
  const time = minutes < 1 ? 'less than a minute' : `about ${Math.round(minutes)} min`;
  return `${frees}. At ${newIn60s} new connections a minute they fill again in ${time}.`;
}

/** Runbook option A: end sessions idle in transaction, aborted ones too, or one application's idle sessions. */
export function createOptionA(ports: OptionAPorts): Remedy {
  const { privileged, clock, target } = ports;
  return {
    option: 'A',
    target: target.name,
    propose: (ask) => proposeTermination(ports, toIdleRequest(ask)),
    recheck: (plan) => recheckSessions(ports, plan),
    run(plan, left, control) {
      const { guard } = toQuery(ports, toIdleRequest(plan.ask));
      const targets = sessionsOf(left);
      return privileged.act((session) => endSessions(session, { targets, guard, control, clock }));
    },
    recover: (interrupted) => checkSessions(ports, interrupted),
  };
}

async function proposeTermination(
  ports: OptionAPorts,
  ask: IdleRequest,
): Promise<Answer<PlanDraft>> {
  const read = await readCandidates(ports, ask);
  if (!read.ok) return read;
  const { hidden, role, sessions } = read.value;
  if (hidden > 0) {
    return refuse(
      'privilege',
      `The acting role cannot see ${count(hidden, 'session')}, so dbconn cannot judge them.`,
      `GRANT pg_monitor TO "${role.replaceAll('"', '""')}";`,
    );
  }
  const sorted = sortCandidates(sessions, ports.mostSessionsOfPlan);
  if (sorted.targets.length === 0) return refuseNothing(ask, sorted);
  return done(draftTermination(ports.target.name, ask, { candidates: read.value, sorted }));
}

async function readCandidates(ports: OptionAPorts, ask: IdleRequest): Promise<Answer<Candidates>> {
  try {
    const query = toQuery(ports, ask);
    return done(await ports.privileged.act((session) => session.readTerminateCandidates(query)));
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    const next = 'Restart the service (option C): that needs no connection to PostgreSQL.';
    return refuse('unreachable', error.message, next);
  }
}

function refuseNothing(
  ask: IdleRequest,
  { skipped, skippedTotal }: Sorted,
): ReturnType<typeof refuse> {
  if (skippedTotal === 0) {
    return refuse('nothing-to-do', `No session is ${inWords(ask)}.`, 'Check with /dbconn idle.');
  }
  const reasons = [...new Set(skipped.map(({ reason }) => reason))];
  const next = reasons.includes(skipSentences.superuser)
    ? 'If the application is that superuser, list it in applicationRoles and set a superuser as actingUrl. Or restart the service (option C).'
    : 'Check with /dbconn idle.';
  const why = `${count(skippedTotal, 'session')} ${inWords(ask)}, all skipped: ${reasons.join('; ')}.`;
  return refuse('nothing-to-do', why, next);
}

/** Approved sessions that rest exactly as they did. Sessions that came since are not looked at. */
async function recheckSessions(ports: OptionAPorts, plan: Plan): Promise<Recheck> {
  const query = toQuery(ports, toIdleRequest(plan.ask));
  const now = await ports.privileged.act((session) => session.readTerminateCandidates(query));
  const eligible = new Map(
    now.sessions
      .filter(({ skipped }) => skipped === null)
      .map(({ identity }) => [identity.pid, identity]),
  );
  const left: SessionTarget[] = [];
  const skipped: Skipped[] = [];
  for (const target of sessionsOf(plan.targets)) {
    const { pid, application } = target.identity;
    const found = eligible.get(pid);
    if (found !== undefined && isSameIdleSpan(found, target.identity)) left.push(target);
    else
      skipped.push({
        what: `pid ${pid}`,
        label: application,
        reason: 'it is gone or active again',
      });
  }
  return { left, skipped };
}

/** What is true of them once no signal can be on its way any more. */
async function checkSessions(
  { privileged, clock }: OptionAPorts,
  { plan, steps }: Interrupted,
): Promise<Report> {
  const identities = sessionsOf(plan.targets).map(({ identity }) => identity);
  const withinMs = hasOpenStep(steps) ? settledAfterMs : 0;
  const still = await privileged.act((session) =>
    waitUntilGone(session, identities, { clock, withinMs }),
  );
  const items = identities.map(({ pid }): Item => {
    const what = `pid ${pid}`;
    return still.has(pid)
      ? { what, outcome: 'still there', detail: 'A check found it still connected.', lines: [] }
      : {
          what,
          outcome: 'unknown',
          detail: 'It is gone. Whether dbconn ended it is unknown.',
          lines: [],
        };
  });
  const gone = items.length - still.size;
  const summary = `A check found ${gone} of ${count(items.length, 'session')} gone, ${still.size} still there.`;
  return { items, summary, finished: false };
}

/** Enough for any night, and a plan that people can still read and the journal can still hold. */
const mostSessions = 500;

const skippedShown = 50;

interface Sorted {
  readonly targets: readonly SessionTarget[];
  readonly skipped: readonly Skipped[];
  readonly skippedTotal: number;
}

/** Who of the candidates is to end and who is skipped, in the order given. */
function sortCandidates(candidates: readonly Candidate[], atMost = mostSessions): Sorted {
  const targets: SessionTarget[] = [];
  const skipped: Skipped[] = [];
  for (const { skipped: reason, ...facts } of candidates) {
    const { identity } = facts;
    const [what, label] = [`pid ${identity.pid}`, identity.application];
    if (reason !== null) skipped.push({ what, label, reason: skipSentences[reason] });
    else if (targets.length < atMost) targets.push({ kind: 'session', ...facts });
    else skipped.push({ what, label, reason: `over the limit of ${atMost} per plan` });
  }
  return { targets, skipped: skipped.slice(0, skippedShown), skippedTotal: skipped.length };
}

/** Whether both are the same session in the same rest: all seven marks agree. */
function isSameIdleSpan(a: SessionTarget['identity'], b: SessionTarget['identity']): boolean {
  return (
    a.pid === b.pid &&
    a.startedAt === b.startedAt &&
    a.user === b.user &&
    a.application === b.application &&
    a.state === b.state &&
    a.stateChangedAt === b.stateChangedAt &&
    a.transactionStartedAt === b.transactionStartedAt
  );
}
