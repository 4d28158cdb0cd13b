import type {
  BlockerTarget,
  Plan,
  PlanTarget,
  PoolTarget,
  PreparedTarget,
  ReplicaTarget,
  SessionTarget,
  SettingTarget,
} from '../../runbook/remedies/plan.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { Refusal } from '../../runbook/remedies/remedy.ts';
import { capital, toAge } from '../../runbook/snapshot/words.ts';
import { wrap } from './layout.ts';
import type { Paint } from './layout.ts';
import { toTable } from './table.ts';
import type { Column } from './table.ts';

type Cells = readonly (string | number | null)[];

/** Every target of a plan, one table for each kind. */
function targetTables(targets: readonly PlanTarget[]): string {
  return [...Map.groupBy(targets, ({ kind }) => kind)]
    .map(([kind, alike]) => tableOf(kind, alike))
    .join('\n\n');
}

function tableOf(kind: PlanTarget['kind'], targets: readonly PlanTarget[]): string {
  return toTable(columns[kind], targets.map(toCells));
}

function toCells(target: PlanTarget): Cells {
  switch (target.kind) {
    case 'session':
      return sessionCells(target);
    case 'blocker':
      return blockerCells(target);
    case 'replica':
      return replicaCells(target);
    case 'prepared':
      return preparedCells(target);
    case 'setting':
      return settingCells(target);
    case 'service':
      return [target.name, target.connections ?? 'unknown'];
    default:
      return poolCells(target);
  }
}

const left = (title: string, width: number): Column => ({ title, width });
const right = (title: string, width: number): Column => ({ title, width, align: 'right' });

const columns: Readonly<Record<PlanTarget['kind'], readonly Column[]>> = {
  session: [
    right('pid', 8),
    { ...left('user', 12), drop: 1 },
    left('application', 16),
    { ...left('state', 20), drop: 2 },
    right('idle', 8),
    right('tx', 8),
    left('wrote', 6),
    left('last statement', 20),
  ],
  blocker: [
    right('pid', 8),
    left('what', 18),
    right('blocks', 9),
    { ...left('user', 12), drop: 1 },
    left('application', 14),
    { ...left('state', 12), drop: 2 },
    { ...right('tx', 8), drop: 3 },
    left('wrote', 6),
    left('statement', 11),
  ],
  replica: [left('container', 40), left('state', 14), left('health', 14), right('connections', 12)],
  service: [left('service', 40), right('connections', 12)],
  prepared: [
    left('gid', 40),
    { ...left('owner', 14), drop: 2 },
    { ...left('database', 14), drop: 3 },
    right('age', 8),
    { ...right('locks', 8), drop: 1 },
    right('blocks', 9),
  ],
  setting: [
    left('setting', 36),
    left('for', 16),
    left('from', 12),
    left('to', 12),
    { ...left('in force', 12), drop: 2 },
    { ...left('source', 10), drop: 1 },
  ],
  pool: [
    left('service', 24),
    left('variable', 24),
    left('from', 12),
    right('to', 8),
    right('processes', 12),
  ],
};

function sessionCells(target: SessionTarget): Cells {
  const { identity, idleSeconds, transactionAgeSeconds, hasWritten, query } = target;
  return [
    identity.pid,
    identity.user,
    identity.application,
    shortState(identity.state),
    toAge(idleSeconds),
    toAge(transactionAgeSeconds),
    yesNo(hasWritten),
    query,
  ];
}

function blockerCells(target: BlockerTarget): Cells {
  const { identity, how, victims, transactionAgeSeconds, hasWritten, query } = target;
  return [
    identity.pid,
    how === 'cancel-then-terminate' ? 'cancel, then end' : how.replace('terminate', 'end'),
    victims,
    identity.user,
    identity.application,
    shortState(identity.state),
    toAge(transactionAgeSeconds),
    yesNo(hasWritten),
    query,
  ];
}

function replicaCells({ name, state, health, connections }: ReplicaTarget): Cells {
  return [name, state, health, connections ?? 'unknown'];
}

function preparedCells(target: PreparedTarget): Cells {
  const { gid, owner, database, ageSeconds, locksHeld, victims } = target;
  return [gid, owner, database, toAge(ageSeconds), locksHeld, victims];
}

function settingCells({ name, role, from, to, inForce, source }: SettingTarget): Cells {
  return [name, role ?? 'whole cluster', from ?? 'not set', to ?? 'not set', inForce, source];
}

/** Two variables in one row: the .env has a line for each. */
function poolCells({ service, from, to, processes }: PoolTarget): Cells {
  const now = from === null ? 'unknown' : `${from.poolSize} + ${from.maxOverflow}`;
  return [service, 'size + overflow', now, `${to.poolSize} + ${to.maxOverflow}`, processes];
}

function shortState(state: string): string {
  return state.replace('idle in transaction', 'idle in tx');
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** What would be done, in full, for the people who decide about it. */
export function renderPlan(plan: Plan, paint: Paint): string {
  const { option, target, title, subject, targets, steps, skipped, skippedTotal } = plan;
  const { cost, frees, undo, risk, byHand } = plan;
  const point = (word: string, text: string): string => wrap(`${word}: ${text}`, '  ');
  return [
    paint('bold', wrap(`${capital(nameOf(option))} for ${target}: ${title}`)),
    ...(subject === null ? [] : [point('About', subject)]),
    ...(byHand === undefined ? [] : [point('By hand', byHand.why)]),
    '',
    targetTables(targets),
    '',
    ...steps.map((sentence, index) => point(`${index + 1}`, sentence)),
    ...(skippedTotal === 0 ? [] : [paint('bold', `Skipped: ${skippedTotal}`)]),
    ...skipped.map(({ what, label, reason }) => point(`${what} ${label}`.trim(), reason)),
    ...(skippedTotal > skipped.length ? [`  and ${skippedTotal - skipped.length} more`] : []),
    point('Gained', frees.sentence),
    ...cost.map((line) => point('Lost', line)),
    point('Undo', undo),
    point('Risk', risk),
  ].join('\n');
}

/** Why something was not done, and what to do next; people stand there by their Slack ids. */
export function renderRefusal({ why, next }: Refusal): string {
  return wrap(withoutMentions(`${why} ${next}`));
}

export function withoutMentions(text: string): string {
  return text.replaceAll(/<@([UW][A-Z0-9]+)>/g, '$1').replaceAll(/<!subteam\^(S\w+)>/g, '$1');
}
