import { poll } from '../../../timing.ts';
import { reportOne } from '../remedy.ts';
import type { Clock } from '../../../timing.ts';
import type { SettingTarget } from '../plan.ts';
import type { Item, Report, RunControl } from '../remedy.ts';
import { readTimeoutText, toSettingTarget, toTimeoutText } from './plan.ts';
import type { TimeoutReading, TimeoutSession } from './ports.ts';
import type { TimeoutRequest } from './preflight.ts';

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
export async function setTimeoutValue(run: TimeoutRun): Promise<Report> {
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
export async function finishTimeout(run: TimeoutRun): Promise<Report> {
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
