import { poll } from '../../../timing.ts';
import type { Clock } from '../../../timing.ts';
import { defaultPoolers } from '../../diagnose/protected-sessions.ts';
import type { Target } from '../../snapshot/target.ts';
import type { Plan, PlanDraft, SettingTarget } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { PrivilegedUnavailable, done, refuse, reportOne } from '../remedy.ts';
import type { Answer, Item, Recheck, Remedy, Report, RunControl } from '../remedy.ts';
import { finishLimit, proposeLimit, recheckLimit, setLimit } from './connection-limit.ts';
import { draftPrevention, readTimeoutText, toSettingTarget, toTimeoutText } from './plan.ts';
import type { RoleLimits, TimeoutReading, TimeoutSession, Timeouts } from './ports.ts';
import { preflight, refuseHazard } from './preflight.ts';
import type { TimeoutRequest } from './preflight.ts';

export interface PreventionPorts {
  readonly timeouts: Timeouts;
  readonly clock: Clock;
  readonly roleLimits: RoleLimits;
  readonly target: Pick<Target, 'name' | 'services'>;
  readonly poolerApplications?: readonly string[];
  /** A plan for a person: what the acting role may is no matter. */
  readonly byHand?: boolean;
}

/**
 * The runbook's prevention: the time-outs that end forgotten transactions and sessions by themselves, and the connection
 * limit of a role.
 */
export function createPrevention(ports: PreventionPorts): Remedy {
  const { timeouts, roleLimits, clock } = ports;
  return {
    option: 'prevention',
    target: ports.target.name,
    propose: (ask) => proposeWhatever(ports, ask),
    recheck(plan) {
      const { ask } = plan;
      return ask.kind === 'limit-connections'
        ? recheckLimit(ports, ask, settingOf(plan))
        : recheckTimeout(ports, plan);
    },
    run(plan, _left, control) {
      const { ask } = plan;
      return ask.kind === 'limit-connections'
        ? roleLimits.act((session) => setLimit({ session, control, ask }))
        : timeouts.act((session) =>
            setTimeoutValue({ session, clock, control, ...timeoutOf(plan) }),
          );
    },
    recover({ plan }, control) {
      const { ask } = plan;
      return ask.kind === 'limit-connections'
        ? roleLimits.act((session) => finishLimit({ session, control, ask }, settingOf(plan)))
        : timeouts.act((session) => finishTimeout({ session, clock, control, ...timeoutOf(plan) }));
    },
  };
}

async function proposeWhatever(
  ports: PreventionPorts,
  ask: RemedyRequest,
): Promise<Answer<PlanDraft>> {
  try {
    return ask.kind === 'limit-connections'
      ? await proposeLimit(ports, ask)
      : await proposeTimeout(ports, toTimeoutRequest(ask));
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    return refuse('unreachable', error.message, 'Prevention can wait until the incident is over.');
  }
}

async function proposeTimeout(
  ports: PreventionPorts,
  ask: TimeoutRequest,
): Promise<Answer<PlanDraft>> {
  const safe = refuseHazard(ask);
  if (!safe.ok) return safe;
  const now = await read(ports, ask);
  const flight = preflight(ask, now, ports.byHand);
  return flight.ok ? done(draftPrevention(ports.target.name, ask, now)) : flight;
}

/** A value that somebody changed since the plan was made is another plan. */
async function recheckTimeout(ports: PreventionPorts, plan: Plan): Promise<Recheck> {
  const { ask, target } = timeoutOf(plan);
  const now = toSettingTarget(ask, await read(ports, ask));
  const isSame =
    now.from === target.from && now.inForce === target.inForce && now.source === target.source;
  if (isSame) return { left: [target], skipped: [] };
  const reason = 'its value changed since the plan was made';
  return { left: [], skipped: [{ what: target.name, label: target.role ?? '', reason }] };
}

function read(
  { timeouts, poolerApplications = defaultPoolers }: PreventionPorts,
  ask: TimeoutRequest,
): Promise<TimeoutReading> {
  const poolers = poolerApplications.map((name) => name.toLowerCase());
  return timeouts.act((session) => session.readTimeout(ask, { overMs: ask.ms, poolers }));
}

function timeoutOf(plan: Plan): { ask: TimeoutRequest; target: SettingTarget } {
  return { ask: toTimeoutRequest(plan.ask), target: settingOf(plan) };
}

function settingOf({ targets }: Plan): SettingTarget {
  const target = targets.find(({ kind }) => kind === 'setting');
  if (target?.kind !== 'setting') throw new Error('A plan of prevention has one setting.');
  return target;
}

function toTimeoutRequest(ask: RemedyRequest): TimeoutRequest {
  if (ask.kind === 'set-timeout') return ask;
  throw new Error('Prevention sets time-outs and connection limits.');
}

/** The server reads its files within milliseconds; one that is out of processor time gets longer. */
const inForceWithinMs = 10_000;
const pollMs = 50;

interface TimeoutRun {
  readonly session: TimeoutSession;
  readonly clock: Clock;
  readonly control: RunControl;
  readonly ask: TimeoutRequest;
  /** As it was approved: `from` is what undoing goes back to. */
  readonly target: SettingTarget;
}

/** Sets it and sees that it holds. What cannot be brought into force is put back, lest a later reload does. */
async function setTimeoutValue(run: TimeoutRun): Promise<Report> {
  const { session, control, ask } = run;
  if (await control.isStopped()) {
    return report(run, 'not reached', 'All changes were stopped before this one.');
  }
  const before = await session.readTimeout(ask);
  const what = `${ask.setting} = ${valueOf(ask)}`;
  await control.intend({ step: 0, sentence: `write ${what}` });
  const refusal = await session.alterTimeout(ask, ask.ms, control.lease);
  if (refusal !== undefined) {
    await control.record({ step: 0, sentence: `PostgreSQL refused it (${refusal})` });
    return report(run, 'failed', `PostgreSQL refused it (SQLSTATE ${refusal}). Nothing changed.`);
  }
  await control.record({ step: 0, sentence: `${what} is written` });
  if (ask.role !== null) return checkAtRole(run);
  return bringIntoForce(run, before);
}

/** After a crash: what was written is brought into force, what was not is left, and a stranger's value is not touched. */
async function finishTimeout(run: TimeoutRun): Promise<Report> {
  const { session, ask, target } = run;
  const now = await session.readTimeout(ask);
  const { from } = toSettingTarget(ask, now);
  if (now.setMs === ask.ms) {
    return ask.role === null ? bringIntoForce(run, now) : report(run, 'set', 'It is set.');
  }
  return from === target.from
    ? report(run, 'not reached', 'It was not written. Nothing changed.')
    : report(run, 'unknown', 'Somebody else set another value since. dbconn did not change it.');
}

async function checkAtRole(run: TimeoutRun): Promise<Report> {
  const { setMs } = await run.session.readTimeout(run.ask);
  return setMs === run.ask.ms
    ? report(run, 'set', 'The value is set, and new logins use it.')
    : report(run, 'unknown', 'Somebody else changed the value at the same time.');
}

async function bringIntoForce(run: TimeoutRun, before: TimeoutReading): Promise<Report> {
  const { session, control, ask } = run;
  await control.intend({ step: 1, sentence: 'reload the configuration' });
  await session.reloadConfiguration(control.lease);
  const now = await awaitReload(run, before.loadedAt);
  if (now === undefined) return putBack(run);
  await control.record({ step: 1, sentence: `${ask.setting} = ${valueOf(ask)} is in force` });
  return now.isOverriddenHere
    ? report(run, 'set', 'The value is set and reloaded. The acting role itself has another value.')
    : report(run, 'set', 'The value is in force after the reload.');
}

/** The reading in which it holds; undefined when the time was up first. */
async function awaitReload(
  { session, clock, ask }: TimeoutRun,
  loadedBefore: string,
): Promise<TimeoutReading | undefined> {
  const polling = { everyMs: pollMs, withinMs: inForceWithinMs, clock };
  const holding = await poll(polling, async (isOver) => {
    const now = await session.readTimeout(ask);
    const holds = ask.ms === null || now.isOverriddenHere || now.inForceMs === ask.ms;
    if (now.loadedAt !== loadedBefore && holds) return now;
    return isOver() ? null : undefined;
  });
  return holding ?? undefined;
}

/** A value that is written and not in force would take effect at some other night's reload or restart. */
async function putBack(run: TimeoutRun): Promise<Report> {
  const { session, control, ask, target } = run;
  await control.record({ step: 1, sentence: 'the reload did not apply it' });
  const refusal = await session.alterTimeout(ask, readTimeoutText(target.from), control.lease);
  const why = 'PostgreSQL did not apply it within 10 s: see its log.';
  if (refusal !== undefined) {
    const left = `The written value takes effect with the next reload: undo ${target.name} by hand.`;
    return report(run, 'failed', `${why} ${left}`);
  }
  await session.reloadConfiguration(control.lease);
  return report(run, 'put back', `${why} The old value is restored.`);
}

function valueOf({ ms }: TimeoutRequest): string {
  return ms === null ? 'reset' : toTimeoutText(ms);
}

function report({ ask, target }: TimeoutRun, outcome: Item['outcome'], detail: string): Report {
  const where = ask.role === null ? 'for the whole cluster' : 'for one role';
  return reportOne(
    { what: target.name, outcome, detail },
    `${target.name} ${where}: ${outcome}. ${detail}`,
  );
}
