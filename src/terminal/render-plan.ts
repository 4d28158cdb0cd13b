import { toAge } from '../runbook/diagnose/words.ts';
import type { Plan, PlanTarget } from '../runbook/remedies/plan.ts';
import type { SessionTarget } from '../runbook/remedies/targets/session.ts';
import type { Refusal } from '../runbook/remedies/remedy.ts';
import { toTable, wrap } from './layout.ts';
import type { Column, Paint } from './layout.ts';

/** What would be done, in full, for whoever decides about it. */
export function renderPlan(plan: Plan, paint: Paint): string {
  const { option, target, title, subject, targets, spared, sparedTotal } = plan;
  const { cost, frees, undo, risk } = plan;
  const point = (word: string, text: string): string => wrap(`${word}: ${text}`, '  ');
  return [
    paint('bold', `Option ${option} for ${target}: ${title}`),
    ...(subject === null ? [] : [point('About', subject)]),
    '',
    targetsTable(targets),
    '',
    ...(sparedTotal === 0 ? [] : [paint('bold', `Spared: ${sparedTotal}`)]),
    ...spared.map(({ what, label, reason }) => point(`${what} ${label}`.trim(), reason)),
    ...(sparedTotal > spared.length ? [`  and ${sparedTotal - spared.length} more`] : []),
    point('Brings', frees.sentence),
    ...cost.map((line) => point('Costs', line)),
    point('Undo', undo),
    point('Risk', risk),
  ].join('\n');
}

const right = (title: string, width: number): Column => ({ title, width, align: 'right' });

const sessionColumns: readonly Column[] = [
  right('pid', 8),
  { title: 'user', width: 12 },
  { title: 'application', width: 16 },
  { title: 'state', width: 20 },
  right('idle', 8),
  right('tx', 8),
  { title: 'wrote', width: 6 },
  { title: 'last statement', width: 20 },
];

const replicaColumns: readonly Column[] = [
  { title: 'container', width: 40 },
  { title: 'state', width: 14 },
  { title: 'health', width: 14 },
  right('connections', 12),
];

function targetsTable(targets: readonly PlanTarget[]): string {
  const sessions = targets.filter((target) => target.kind === 'session');
  const replicas = targets.filter((target) => target.kind === 'replica');
  return sessions.length > 0
    ? toTable(sessionColumns, sessions.map(toSessionRow))
    : toTable(
        replicaColumns,
        replicas.map(({ name, state, health, connections }) => [name, state, health, connections]),
      );
}

function toSessionRow(target: SessionTarget): (string | number | null)[] {
  const { identity, idleSeconds, transactionAgeSeconds, hasWritten, query } = target;
  return [
    identity.pid,
    identity.user,
    identity.application,
    identity.state.replace('idle in transaction', 'idle in tx'),
    toAge(idleSeconds),
    toAge(transactionAgeSeconds),
    hasWritten ? 'yes' : 'no',
    query,
  ];
}

/** Why something was not done, and what to do next; people stand there by their Slack ids. */
export function renderRefusal({ why, next }: Refusal): string {
  return wrap(withoutMentions(`${why} ${next}`));
}

export function withoutMentions(text: string): string {
  return text.replaceAll(/<@([UW][A-Z0-9]+)>/g, '$1').replaceAll(/<!subteam\^(S\w+)>/g, '$1');
}
