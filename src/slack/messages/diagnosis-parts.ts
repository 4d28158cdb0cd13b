import type { Pooler } from '../../runbook/diagnose/diagnosis-parts.ts';
import { groupSessions, namePids } from '../../runbook/diagnose/groups.ts';
import type { SessionGroup } from '../../runbook/diagnose/groups.ts';
import type {
  Diagnosis,
  Holder,
  Pool,
  Proposal,
  Root,
  Session,
  Source,
} from '../../runbook/diagnose/diagnosis.ts';
import { count, percent, toAge } from '../../runbook/snapshot/words.ts';
import type { MessageBlock } from './kit/message.ts';
import {
  bold,
  bullets,
  code,
  paragraph,
  plain,
  pointsOf,
  richText,
  titledList,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { table } from './kit/table.ts';
import type { Column } from './kit/table.ts';

/** Root blockers, most victims first, with what the session behind each is doing. */
export function blockersList(
  { blocking, sessions }: Diagnosis,
  atMost: number,
  title = `Blocked: ${count(blocking.waitersTotal, 'session waits', 'sessions wait')}`,
): MessageBlock[] {
  const { roots, cycles, waitersTotal } = blocking;
  if (waitersTotal === 0) return [];
  const points = [
    ...pointsOf(roots, atMost, (root) => rootLeaves(root, sessions)),
    ...cycles
      .slice(0, atMost)
      .map((ring): Leaf[] => rich`${bold('Deadlock:')} ${ring.join(' → ')}`),
  ];
  return titledList(title, points);
}

function rootLeaves(root: Root, sessions: readonly Session[]): Leaf[] {
  const blocks = plain(`blocks ${count(root.victims, 'session')}`);
  if (!('pid' in root)) {
    return rich`${bold('Prepared transaction')} ${code(root.prepared, 100)} ${blocks}`;
  }
  const session = sessions.find(({ pid }) => pid === root.pid);
  const start = rich`${bold(`PID ${root.pid}`)} ${blocks}`;
  return session === undefined ? start : [...start, ...rich`: `, ...sessionLeaves(session)];
}

/** What a session is and does, in one line; application and statement stand as code. */
function sessionLeaves(session: Session): Leaf[] {
  const wrote = session.hasWritten ? ', wrote data' : '';
  const doing = `${session.state} for ${toAge(session.stateAgeSeconds)}${wrote}`;
  return [
    ...rich`${code(session.application, 60)} ${doing}`,
    ...(session.query === null ? [] : rich`, ${code(session.query, 160)}`),
  ];
}

/** The applications' pools, one line each; replicas in the same state share a line. */
export function poolsList({ pools }: Diagnosis, atMost: number): MessageBlock[] {
  const points = pointsOf([...Map.groupBy(pools, poolLine)], atMost, ([line, alike]) => [
    plain(alike.length === 1 ? line : `${line}, ${alike.length} times`),
  ]);
  return titledList('Pools', points);
}

/** The poolers in front of PostgreSQL, one line each; nothing where none is configured. */
export function poolersList({ poolers = [] }: Diagnosis, atMost: number): MessageBlock[] {
  const points = pointsOf(poolers, atMost, (pooler) => [plain(poolerLine(pooler))]);
  return titledList('Poolers', points);
}

function poolerLine({ name, clients, maxClients, clientsWaiting, servers, mode }: Pooler): string {
  const wait = clientsWaiting === 0 ? '' : `, ${clientsWaiting} waiting`;
  return `${name}: ${clients} of ${maxClients} clients${wait}, ${count(servers, 'server connection')}, ${mode} mode`;
}

function poolLine({ service, name, checkedOut, limit, utilisation }: Pool): string {
  const pool = name === 'default' ? service : `${service} ${name}`;
  if (limit === null) return `${pool}: ${checkedOut} checked out, limit not known`;
  if (limit === 'unlimited') return `${pool}: ${checkedOut} checked out, no limit`;
  const share = utilisation === null ? '' : ` (${percent(utilisation)})`;
  return `${pool}: ${checkedOut} of ${limit} checked out${share}`;
}

/** The runbook's options that would help, in the diagnosis' order. */
export function proposalsList({ proposals }: Diagnosis): MessageBlock[] {
  return titledList('What would help', proposals.map(proposalLeaves), 'ordered');
}

export function proposalLeaves(proposal: Proposal): Leaf[] {
  const { option, summary, slotsFreed } = proposal;
  const frees =
    slotsFreed === null || slotsFreed === 0
      ? []
      : rich` ${plain(`Frees ${count(slotsFreed, 'slot')}.`)}`;
  return [
    ...rich`${bold(option === 'prevention' ? 'Prevention:' : `Option ${option}:`)} ${summary}`,
    ...frees,
    ...lackOf(proposal),
  ];
}

/** Why dbconn cannot do it; what can be proposed all the same, a person runs. */
function lackOf({ blocked, command }: Proposal): Leaf[] {
  if (blocked === null) return [];
  const lead = command === undefined ? 'Not possible yet' : 'By hand only';
  return rich` ${plain(`${lead}: ${blocked}`)}`;
}

/** A sentence on its own. */
export function sentence(text: string): MessageBlock {
  return richText(paragraph([plain(text)]));
}

/** A bold title over points, when the points may be empty and the title still says something. */
export function topic(title: string, points: readonly (readonly Leaf[])[]): MessageBlock {
  return points.length === 0
    ? richText(paragraph([bold(title)]))
    : richText(paragraph([bold(title)]), bullets(points));
}

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

const sessionColumns: readonly Column<SessionGroup>[] = [
  { title: 'Sessions', value: ({ pids }) => pids.length },
  { title: 'State', value: ({ oldest }) => oldest.state },
  { title: 'For', value: ({ oldest }) => toAge(oldest.stateAgeSeconds) },
  { title: 'Application', value: ({ oldest }) => oldest.application },
  {
    title: 'Last statement',
    value: ({ oldest }) => oldest.query ?? '(not visible)',
    max: 160,
    wrapped: true,
  },
  { title: 'User', value: ({ oldest }) => oldest.user },
  { title: 'Transaction', value: ({ oldest }) => toAge(oldest.transactionAgeSeconds) },
  { title: 'Connected', value: ({ oldest }) => toAge(oldest.connectionAgeSeconds) },
  { title: 'Wrote', value: ({ hasWritten }) => hasWritten },
  { title: 'PIDs', value: ({ pids }) => namePids(pids, 5), max: 80, wrapped: true },
];

/** Sessions of the same application, user, state and statement as one row, with the ages of the oldest. */
export function sessionsTable(sessions: readonly Session[]): MessageBlock[] {
  const rows = groupSessions(sessions);
  return table({ columns: sessionColumns, rows, atMost: 15, noun: 'groups' });
}
