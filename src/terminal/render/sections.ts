import type { Diagnosis, Session } from '../../runbook/diagnose/diagnosis.ts';
import {
  groupSessions,
  groupWaiters,
  isTransaction,
  namePids,
} from '../../runbook/diagnose/groups.ts';
import { inEach } from '../../runbook/diagnose/pool-sizes.ts';
import { count, toAge } from '../../runbook/snapshot/words.ts';
import { toPercent, wrap } from './layout.ts';
import { toTable } from './table.ts';
import type { Column } from './table.ts';

/** One part of a Diagnosis each, as lines that fit the screen. An empty list means: nothing to show. */

const number = (title: string, width: number): Column => ({ title, width, align: 'right' });

export function holdersSection({ holders }: Diagnosis, limit: number): string[] {
  if (holders.length === 0) return [];
  const rows = holders
    .slice(0, limit)
    .map((holder) => [
      holder.name,
      holder.clients,
      holder.total,
      holder.active,
      holder.idle,
      holder.idleInTransaction,
      holder.idleInTransactionAborted,
    ]);
  const columns = [
    { title: 'who', width: 36 },
    number('clients', 9),
    number('total', 8),
    number('active', 8),
    number('idle', 8),
    number('in tx', 8),
    { ...number('aborted', 9), drop: 1 },
  ];
  const more = holders.length - rows.length;
  return [toTable(columns, rows), ...(more > 0 ? [`  and ${more} more`] : [])];
}

export function sourcesSection({ sources, sourcesTotal }: Diagnosis, limit: number): string[] {
  if (sources.length === 0) return [];
  const rows = sources
    .slice(0, limit)
    .map((source) => [
      source.service ?? source.application,
      source.user,
      source.client ?? 'local',
      source.database,
      source.total,
      source.active,
      source.idle,
      source.idleInTransaction,
      source.idleInTransactionAborted,
    ]);
  const columns = [
    { title: 'application', width: 20 },
    { title: 'user', width: 14 },
    { title: 'client', width: 16, drop: 2 },
    { title: 'database', width: 12, drop: 3 },
    number('total', 6),
    number('active', 7),
    number('idle', 5),
    number('in tx', 6),
    { ...number('aborted', 8), drop: 1 },
  ];
  const more = sourcesTotal - rows.length;
  return [toTable(columns, rows), ...(more > 0 ? [`  and ${more} more sources`] : [])];
}

export function sessionsSection(sessions: readonly Session[], limit: number): string[] {
  if (sessions.length === 0) return [];
  const groups = groupSessions(sessions);
  const rows = groups
    .slice(0, limit)
    .map(({ oldest, pids }) => [
      pids.length,
      oldest.application,
      oldest.user,
      shortState(oldest),
      toAge(oldest.stateAgeSeconds),
      toAge(oldest.transactionAgeSeconds),
      oldest.query ?? '(not visible)',
      namePids(pids, 3),
    ]);
  const columns = [
    number('sessions', 9),
    { title: 'application', width: 14 },
    { title: 'user', width: 12, drop: 1 },
    { title: 'state', width: 12 },
    number('for', 8),
    { ...number('tx', 8), drop: 2 },
    { title: 'last statement', width: 20 },
    { title: 'pids', width: 16, isList: true },
  ];
  const more = groups.length - rows.length;
  return [toTable(columns, rows), ...(more > 0 ? [`  and ${count(more, 'more group')}`] : [])];
}

/** One by one, in the order given. */
export function sessionList(sessions: readonly Session[]): string[] {
  if (sessions.length === 0) return [];
  const rows = sessions.map((session) => [
    session.pid,
    session.application,
    session.user,
    shortState(session),
    toAge(session.connectionAgeSeconds),
    toAge(session.transactionAgeSeconds),
    toAge(session.stateAgeSeconds),
    session.query ?? '(not visible)',
  ]);
  const columns = [
    number('pid', 8),
    { title: 'application', width: 16 },
    { title: 'user', width: 12, drop: 1 },
    { title: 'state', width: 12 },
    { ...number('age', 8), drop: 2 },
    number('tx', 8),
    number('for', 8),
    { title: 'last statement', width: 24 },
  ];
  return [toTable(columns, rows)];
}

function shortState({ state }: Session): string {
  return state.replace('idle in transaction', 'idle in tx');
}

export function blockingSection({ blocking }: Diagnosis, limit: number): string[] {
  const { roots, waiters, waitersTotal, cycles } = blocking;
  if (waitersTotal === 0) return [];
  const rootRows = roots
    .slice(0, limit)
    .map((root) =>
      'pid' in root
        ? [`pid ${root.pid}`, root.victims]
        : [`prepared transaction ${root.prepared}`, root.victims],
    );
  const groups = groupWaiters(waiters);
  const waitRows = groups
    .slice(0, limit)
    .map(({ pids, behind, relation, lock, longestSeconds }) => [
      pids.length,
      namePids(behind, 3),
      relation ?? (isTransaction(lock) ? 'its transaction' : lock),
      toAge(longestSeconds),
      namePids(pids, 3),
    ]);
  // PostgreSQL's lock manager is too busy to be asked: the number is all there is.
  if (waitRows.length === 0) {
    return [
      `  ${count(waitersTotal, 'session waits', 'sessions wait')}; the blockers cannot be read`,
    ];
  }
  const more = groups.length - waitRows.length;
  return [
    toTable([{ title: 'root blocker', width: 60 }, number('blocks', 10)], rootRows),
    ...cycles.map((ring) => `  deadlock in progress: ${ring.join(' -> ')}`),
    toTable(
      [
        number('waiting', 8),
        { title: 'behind', width: 28, isList: true },
        { title: 'on', width: 32 },
        number('longest', 8),
        { title: 'pids', width: 20, isList: true },
      ],
      waitRows,
    ),
    ...(more > 0 ? [`  and ${count(more, 'more group')}`] : []),
    ...(blocking.truncated
      ? [`  of ${waitersTotal} waiting sessions, ${waiters.length} are listed`]
      : []),
  ];
}

/** Pools of replicas that are alike share a line. */
export function poolsSection({ pools }: Diagnosis): string[] {
  if (pools.length === 0) return [];
  const groups = Map.groupBy(pools, ({ service, name, checkedOut, limit }) =>
    JSON.stringify([service, name, checkedOut, limit]),
  );
  const rows = [...groups.values()].flatMap((alike) =>
    alike
      .slice(0, 1)
      .map(({ service, name, checkedOut, limit, utilisation }) => [
        service,
        name,
        alike.length,
        checkedOut,
        limit,
        toPercent(utilisation),
      ]),
  );
  const columns = [
    { title: 'service', width: 24 },
    { title: 'pool', width: 24 },
    { ...number('replicas', 9), drop: 1 },
    number('checked out', 12),
    number('limit', 10),
    number('used', 8),
  ];
  return [toTable(columns, rows)];
}

export function poolersSection({ poolers = [] }: Diagnosis): string[] {
  if (poolers.length === 0) return [];
  const rows = poolers.map((one) => [
    one.name,
    one.mode,
    one.clients,
    one.maxClients,
    one.clientsWaiting,
    one.clientsWaiting === 0 ? '' : toAge(one.longestWaitSeconds),
    one.servers,
    one.mayOpen,
  ]);
  const columns = [
    { title: 'pooler', width: 24 },
    { title: 'mode', width: 12, drop: 2 },
    number('clients', 8),
    { ...number('allowed', 8), drop: 1 },
    number('waiting', 8),
    number('longest', 8),
    { ...number('servers', 8), drop: 3 },
    number('may open', 10),
  ];
  return [toTable(columns, rows)];
}

export function budgetSection({ budget }: Diagnosis): string[] {
  const { lines, poolers = [] } = budget;
  if (lines.length === 0 && poolers.length === 0) return [];
  const rows = lines.map((line) => [
    line.service,
    line.replicas,
    line.workers,
    inEach(line, 'poolSize'),
    inEach(line, 'maxOverflow'),
    line.mayOpen,
    line.holds,
  ]);
  const columns = [
    { title: 'may open', width: 24 },
    { ...number('replicas', 9), drop: 1 },
    { ...number('workers', 8), drop: 2 },
    number('pool size', 10),
    number('overflow', 9),
    number('may open', 10),
    number('holds', 6),
  ];
  const total = `  All services together may open ${budget.mayOpen ?? 'an unknown number'}; ${budget.usable ?? 'an unknown number'} are usable.`;
  const ofPoolers = poolers.map((one) => [
    one.name,
    one.replicas,
    '',
    '',
    '',
    one.mayOpen,
    one.holds,
  ]);
  return [toTable(columns, [...rows, ...ofPoolers]), total];
}

export function logsSection({ logs }: Diagnosis): string[] {
  return logs.flatMap(({ container, linesRead, classes }) => [
    wrap(
      `${container}: ${count(linesRead, 'line')} read${classes.length === 0 ? ', none about connections' : ''}`,
      '  ',
    ),
    ...classes.flatMap((entry) => [
      wrap(
        `${entry.count} x ${entry.class}${entry.lastAt === null ? '' : `, last at ${entry.lastAt}`}`,
        '    ',
      ),
      wrap(entry.example, '      '),
    ]),
  ]);
}

export function leaksSection({ leakSuspects }: Diagnosis): string[] {
  if (leakSuspects.length === 0) return [];
  const rows = leakSuspects.map((suspect) => [
    suspect.sessions,
    suspect.application,
    toAge(suspect.oldestSeconds),
    suspect.hasWritten,
    suspect.query,
  ]);
  const columns = [
    number('sessions', 9),
    { title: 'application', width: 20 },
    number('oldest', 9),
    number('wrote', 6),
    { title: 'after the same statement', width: 50 },
  ];
  return [toTable(columns, rows)];
}
