import { poll } from '../../../timing.ts';
import type { Clock } from '../../../timing.ts';
import type { Target } from '../../snapshot/target.ts';
import type { Plan, PlanDraft, PreparedTarget } from '../plan.ts';
import { Item, PrivilegedUnavailable, countOutcomes, done, refuse } from '../remedy.ts';
import type { Answer, Interrupted, Recheck, Remedy, Report, RunControl } from '../remedy.ts';
import type { PreparedReading, PreparedTransactions, RollbackOutcome } from './plan.ts';
import { draftRollback, victimsOf } from './plan.ts';

export interface PreparedPorts {
  readonly prepared: PreparedTransactions;
  readonly clock: Clock;
  readonly target: Target;
  /** A plan for a person: what the acting role may is no matter. */
  readonly byHand?: boolean;
}

/** Rolls back one prepared transaction by its gid. Nobody but its transaction manager knows whether that is right. */
export function createPreparedRollback(ports: PreparedPorts): Remedy {
  return {
    option: 'prepared',
    target: ports.target.name,
    propose(ask) {
      if (ask.kind !== 'rollback-prepared')
        throw new Error('This only ends prepared transactions.');
      return proposeRollback(ports, ask.gid);
    },
    recheck: (plan) => recheckPrepared(ports, plan),
    run: (_plan, left, control) => runRollback(ports, preparedOf(left), control),
    recover: (interrupted) => recoverRollback(ports, interrupted),
  };
}

async function proposeRollback(
  { prepared, target, byHand = false }: PreparedPorts,
  gid: string,
): Promise<Answer<PlanDraft>> {
  let found: PreparedReading | null;
  try {
    found = await prepared.readPrepared(gid);
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    return refuse('unreachable', error.message, 'Roll it back by hand, as its owner.');
  }
  if (found === null) {
    const why = 'No prepared transaction has that name.';
    return refuse('nothing-to-do', why, 'See /dbconn blocking or pg_prepared_xacts for the names.');
  }
  const { mayRollBack, mayConnect } = found;
  if (byHand || (mayRollBack && mayConnect)) return done(draftRollback(target.name, found));
  return refuse(
    'privilege',
    mayRollBack
      ? 'The acting role may not connect to the database of this transaction.'
      : 'Only its owner or a superuser can roll it back, and the acting role is neither.',
    mayRollBack
      ? 'Run GRANT CONNECT ON DATABASE for the acting role, or set a superuser as actingUrl.'
      : 'Set a superuser as actingUrl, or run ROLLBACK PREPARED by hand as its owner.',
  );
}

function preparedOf(targets: Plan['targets']): PreparedTarget[] {
  return targets.filter((target) => target.kind === 'prepared');
}

async function recheckPrepared({ prepared }: PreparedPorts, plan: Plan): Promise<Recheck> {
  const left: PreparedTarget[] = [];
  const skipped: Recheck['skipped'][number][] = [];
  for (const target of preparedOf(plan.targets)) {
    const now = await prepared.readPrepared(target.gid);
    const what = 'prepared transaction';
    if (now !== null && isSame(now, target)) left.push(target);
    else skipped.push({ what, label: target.gid, reason: 'it has ended since' });
  }
  return { left, skipped };
}

/** A gid is free again once its transaction has ended. */
function isSame(
  now: Omit<PreparedTarget, 'kind' | 'victims'>,
  then: Omit<PreparedTarget, 'kind' | 'victims'>,
): boolean {
  return (
    now.gid === then.gid &&
    now.owner === then.owner &&
    now.database === then.database &&
    now.preparedAt === then.preparedAt &&
    now.transaction === then.transaction
  );
}

async function runRollback(
  ports: PreparedPorts,
  targets: readonly PreparedTarget[],
  control: RunControl,
): Promise<Report> {
  const items: Item[] = [];
  for (const target of targets) {
    if (await control.isStopped()) {
      items.push(toItem('not reached', 'Changes were stopped before this one.'));
      continue;
    }
    await control.intend({ step: 0, sentence: 'roll back the prepared transaction' });
    const item = outcomes[await ports.prepared.rollBackPrepared(target, control.lease)];
    items.push(item);
    const { outcome } = item;
    await control.record({ step: 0, sentence: outcome, facts: { outcome } });
  }
  await control.intend({ step: 1, sentence: 'check whether the waiting sessions continue' });
  const waits = await countVictims(ports, targets);
  await control.record({ step: 1, sentence: waits });
  return {
    items,
    summary: `${countOutcomes(items)}. ${waits}.`,
    finished: items.every(({ outcome }) => outcome !== 'not reached'),
  };
}

const goOnWithinMs = 2000;
const pollMs = 100;

/** Those who waited for it, then and now. */
async function countVictims(
  { prepared, clock }: PreparedPorts,
  targets: readonly PreparedTarget[],
): Promise<string> {
  const before = targets.reduce((sum, { victims }) => sum + victims, 0);
  return poll({ everyMs: pollMs, withinMs: goOnWithinMs, clock }, async (isOver) => {
    let after = 0;
    for (const { gid } of targets) {
      const now = await prepared.readPrepared(gid);
      after += now === null ? 0 : victimsOf(now.waits, gid);
    }
    if (after > 0 && !isOver()) return undefined;
    return `${before} waiting when planned, ${after} waiting now`;
  });
}

const outcomes: Readonly<Record<RollbackOutcome, Item>> = {
  'rolled back': toItem('rolled back', 'It was rolled back in its own database.'),
  'already gone': toItem('already gone', 'It was committed or rolled back by somebody else.'),
  'moved on': toItem('moved on', 'Another transaction has its name now.'),
  'no privilege': toItem('refused', 'Only its owner or a superuser can roll it back.'),
  busy: toItem('refused', 'Somebody else is ending it now.'),
};

function toItem(outcome: Item['outcome'], detail: string): Item {
  return { what: 'prepared transaction', outcome, detail, lines: [] };
}

/** Looks whether it is still there. Rolls nothing back. */
async function recoverRollback(
  { prepared }: PreparedPorts,
  { plan, steps }: Interrupted,
): Promise<Report> {
  const entry = steps.findLast(({ step }) => step === 0);
  const items: Item[] = [];
  for (const target of preparedOf(plan.targets)) {
    const now = await prepared.readPrepared(target.gid);
    const recorded = Item.shape.outcome.safeParse(entry?.facts?.['outcome']);
    if (entry === undefined) items.push(toItem('not reached', 'dbconn stopped before it.'));
    else if (entry.kind === 'done' && recorded.success) {
      items.push(toItem(recorded.data, 'It was recorded before dbconn stopped.'));
    } else if (now !== null && isSame(now, target)) {
      items.push(toItem('still there', 'A check found it still prepared.'));
    } else items.push(toItem('unknown', 'It has ended. Whether dbconn ended it is unknown.'));
  }
  return { items, summary: `Checked afterwards: ${countOutcomes(items)}.`, finished: false };
}
