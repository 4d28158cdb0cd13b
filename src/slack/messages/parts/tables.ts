import type { Diagnosis, Holder, Session, Source } from '../../../runbook/diagnose/diagnosis.ts';
import { toAge } from '../../../runbook/snapshot/words.ts';
import type { MessageBlock } from './message.ts';
import { table } from '../kit/table.ts';
import type { Column } from '../kit/table.ts';

const sourceNames: readonly Column<Source>[] = [
  { title: 'Source', value: ({ service, application }) => service ?? application },
  { title: 'Client', value: ({ client }) => client ?? 'local' },
];

const figures: readonly Column<Holder | Source>[] = [
  { title: 'Total', value: ({ total }) => total },
  { title: 'Active', value: ({ active }) => active },
  { title: 'Idle', value: ({ idle }) => idle },
  { title: 'Idle in tx', value: ({ idleInTransaction }) => idleInTransaction },
];

/** Who holds the connections, few columns for a phone: replicas of one service are one row. */
export function holdersTable({ holders }: Diagnosis): MessageBlock[] {
  const columns: readonly Column<Holder>[] = [
    { title: 'Who', value: ({ name }) => name },
    { title: 'Clients', value: ({ clients }) => clients },
    ...figures,
  ];
  return table({ columns, rows: holders, atMost: 6, noun: 'holders' });
}

/** Who holds the connections, every column. */
export function sourcesTable({ sources, sourcesTotal }: Diagnosis): MessageBlock[] {
  const columns: readonly Column<Source>[] = [
    ...sourceNames,
    { title: 'User', value: ({ user }) => user },
    { title: 'Database', value: ({ database }) => database },
    ...figures,
    { title: 'Aborted', value: ({ idleInTransactionAborted }) => idleInTransactionAborted },
  ];
  return table({ columns, rows: sources, atMost: 30, total: sourcesTotal, noun: 'sources' });
}

const sessionColumns: readonly Column<Session>[] = [
  { title: 'PID', value: ({ pid }) => String(pid) },
  { title: 'Application', value: ({ application }) => application },
  { title: 'State', value: ({ state }) => state },
  { title: 'Connected', value: ({ connectionAgeSeconds }) => toAge(connectionAgeSeconds) },
  { title: 'Transaction', value: ({ transactionAgeSeconds }) => toAge(transactionAgeSeconds) },
  { title: 'Query', value: ({ queryAgeSeconds }) => toAge(queryAgeSeconds) },
  { title: 'In this state', value: ({ stateAgeSeconds }) => toAge(stateAgeSeconds) },
  { title: 'Wrote', value: ({ hasWritten }) => (hasWritten ? 'yes' : 'no') },
  {
    title: 'Last statement',
    value: ({ query }) => query ?? '(not visible)',
    max: 160,
    wrapped: true,
  },
];

/** Sessions with their ages. A pid is a name, not a number: nobody wants it with thousands separators. */
export function sessionsTable(sessions: readonly Session[]): MessageBlock[] {
  return table({ columns: sessionColumns, rows: sessions, atMost: 15, noun: 'sessions' });
}
