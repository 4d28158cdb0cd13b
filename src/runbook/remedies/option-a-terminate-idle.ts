import type { Candidates } from '../snapshot/ports.ts';
import { PrivilegedUnavailable } from './acting-unavailable.ts';
import { endSessions, waitUntilGone } from './a-terminate-idle/end-sessions.ts';
import { draftTermination } from './option-a/idle-plan.ts';
import { inWords, sessionsOf, toIdleRequest, toQuery } from './option-a/idle-query.ts';
import type { IdleRequest, OptionAPorts } from './option-a/idle-query.ts';
import type { Plan, PlanDraft, Skipped } from './plan.ts';
import type { SessionTarget } from './targets/session.ts';
import { done, refuse } from './remedy.ts';
import type { Answer, Interrupted, Recheck, Remedy } from './remedy.ts';
import type { Item, Report } from './report.ts';
import { isSameIdleSpan, sortCandidates, skipSentences } from './a-terminate-idle/candidates.ts';
import type { Sorted } from './a-terminate-idle/candidates.ts';
import { hasOpenStep, settledAfterMs } from './settle.ts';
import { count } from '../snapshot/wording.ts';

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
      `${count(hidden, 'session')} cannot be seen by the acting role, so nothing can be judged.`,
      `GRANT pg_monitor TO "${role.replaceAll('"', '""')}";`,
    );
  }
  const sorted = sortCandidates(sessions, ports.atMost);
  if (sorted.targets.length === 0) return refuseNothing(ask, sorted);
  return done(draftTermination(ports.target.name, ask, { candidates: read.value, sorted }));
}

async function readCandidates(ports: OptionAPorts, ask: IdleRequest): Promise<Answer<Candidates>> {
  try {
    const query = toQuery(ports, ask);
    return done(await ports.privileged.act((session) => session.readTerminateCandidates(query)));
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    const next = 'Option C, restarting the service, needs no connection to PostgreSQL.';
    return refuse('unreachable', error.message, next);
  }
}

function refuseNothing(
  ask: IdleRequest,
  { spared, sparedTotal }: Sorted,
): ReturnType<typeof refuse> {
  if (sparedTotal === 0) {
    return refuse('nothing-to-do', `No session is ${inWords(ask)}.`, 'Look with /dbconn idle.');
  }
  const reasons = [...new Set(spared.map(({ reason }) => reason))];
  const next = reasons.includes(skipSentences.superuser)
    ? 'If that superuser is the application, name it in applicationRoles and set a superuser as actingUrl; or restart the service (option C).'
    : 'Look with /dbconn idle.';
  const why = `${count(sparedTotal, 'session')} ${inWords(ask)}, and each is spared: ${reasons.join('; ')}.`;
  return refuse('nothing-to-do', why, next);
}

/** Approved sessions that rest exactly as they did. Whoever came since is not looked at. */
async function recheckSessions(ports: OptionAPorts, plan: Plan): Promise<Recheck> {
  const query = toQuery(ports, toIdleRequest(plan.ask));
  const now = await ports.privileged.act((session) => session.readTerminateCandidates(query));
  const eligible = new Map(
    now.sessions
      .filter(({ spared }) => spared === null)
      .map(({ identity }) => [identity.pid, identity]),
  );
  const left: SessionTarget[] = [];
  const spared: Skipped[] = [];
  for (const target of sessionsOf(plan.targets)) {
    const { pid, application } = target.identity;
    const found = eligible.get(pid);
    if (found !== undefined && isSameIdleSpan(found, target.identity)) left.push(target);
    else spared.push({ what: `pid ${pid}`, label: application, reason: 'gone, or it moved on' });
  }
  return { left, spared };
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
      ? { what, outcome: 'still there', detail: 'A look found it alive.', lines: [] }
      : { what, outcome: 'unknown', detail: 'It is gone; by whose hand is not known.', lines: [] };
  });
  const gone = items.length - still.size;
  const summary = `A look found ${gone} of ${count(items.length, 'session')} gone, ${still.size} still there.`;
  return { items, summary, finished: false };
}
