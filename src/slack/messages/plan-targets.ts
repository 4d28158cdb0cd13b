import type {
  BlockerTarget,
  Plan,
  PlanTarget,
  PoolTarget,
  PreparedTarget,
  ReplicaTarget,
  ServiceTarget,
  SessionTarget,
  SettingTarget,
} from '../../runbook/remedies/plan.ts';
import { count, toAge } from '../../runbook/snapshot/words.ts';
import { drawTable } from './kit/fallbacks.ts';
import type { MessageBlock } from './kit/message.ts';
import { bold, bullets, code, plain, richText, titledList, rich } from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { table } from './kit/table.ts';
import type { Column } from './kit/table.ts';

/** Targets, or groups of sessions alike, shown on the card itself; all of them stand in its thread. */
const targetsOnCard = 12;
/** What surely fits into one message's table, though every name be as long as can be. */
const listed = { atMost: 30, statement: 40, rest: '' };
/** Groups in one list, and lists in one message of the thread. */
const groupsPerList = 20;
const listsPerMessage = 5;
/** Pids in one run of text, which Slack and we bound. */
const pidsPerRun = 60;

interface Cut {
  readonly atMost: number;
  /** Where those are listed that are left out. */
  readonly rest: string;
  /** Characters of a statement. */
  readonly statement: number;
}

/** The exact targets, as many as fit on a card; sessions that are alike are one row. */
export function targetsOf({ targets }: Pick<Plan, 'targets'>): MessageBlock[] {
  return targetBlocks(targets, {
    atMost: targetsOnCard,
    statement: 80,
    rest: ', listed in the thread',
  });
}

/** As many as one message takes, with their pids, for a plan that has no thread. */
export function mostTargetsOf({ targets }: Pick<Plan, 'targets'>): MessageBlock[] {
  const sessions = targets.filter(({ kind }) => kind === 'session');
  return [...targetBlocks(targets, listed), ...(allTargets({ targets: sessions })[0] ?? [])];
}

/** All targets in parts, for the thread; nothing where the card names each of them. */
export function allTargets({ targets }: Pick<Plan, 'targets'>): readonly MessageBlock[][] {
  const sessions = targets.filter((target) => target.kind === 'session');
  const others = targets.filter((target) => target.kind !== 'session');
  const groups = groupsOf(sessions);
  const isNamed = groups.length <= targetsOnCard && groups.every(({ alike }) => alike.length === 1);
  const { atMost } = listed;
  return [
    ...(isNamed ? [] : chunks(chunks(groups, groupsPerList), listsPerMessage)).map((lists) =>
      lists.map((list) => richText(bullets(list.map(pidLeaves)))),
    ),
    ...(others.length <= targetsOnCard ? [] : chunks(others, atMost)).map((part) =>
      targetBlocks(part, listed),
    ),
  ];
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/** Sessions of one application and user in one state after one statement, all of which wrote or none. */
interface Group {
  readonly first: SessionTarget;
  readonly alike: readonly SessionTarget[];
}

/** The largest first. */
function groupsOf(sessions: readonly SessionTarget[]): Group[] {
  const groups = Map.groupBy(sessions, ({ identity, hasWritten, query }) =>
    JSON.stringify([identity.application, identity.user, identity.state, hasWritten, query]),
  );
  return [...groups.values()]
    .flatMap((alike) => alike.slice(0, 1).map((first) => ({ first, alike })))
    .toSorted((a, b) => b.alike.length - a.alike.length);
}

/** `31 × backend, idle in transaction, 36–38 s: 4711, 4712, …` */
function pidLeaves({ first, alike }: Group): Leaf[] {
  const { application, state } = first.identity;
  const idle = range(alike.map(({ idleSeconds }) => idleSeconds));
  const runs = chunks(
    alike.map(({ identity: { pid } }) => String(pid)),
    pidsPerRun,
  );
  return [
    ...rich`${bold(`${alike.length} ×`)} ${code(application, 63)}${plain(`, ${state}, ${idle}: pid`)} `,
    ...runs.flatMap((pids, index) => [...(index === 0 ? [] : rich`, `), code(pids.join(', '))]),
  ];
}

/** `36–38 s`, or `40 s` where all are alike. */
function range(seconds: readonly (number | null)[]): string {
  const known = seconds.filter((one) => one !== null);
  if (known.length === 0) return toAge(null);
  const [least, most] = [toAge(Math.min(...known)), toAge(Math.max(...known))];
  if (least === most) return most;
  const [[low, unit], [, last]] = [least.split(' '), most.split(' ')];
  return unit === last && !most.includes(' h ') ? `${low}–${most}` : `${least} – ${most}`;
}

function targetBlocks(
  targets: readonly PlanTarget[],
  { atMost, statement, rest }: Cut,
): MessageBlock[] {
  const of = <K extends PlanTarget['kind']>(kind: K): Extract<PlanTarget, { kind: K }>[] =>
    targets.filter((target): target is Extract<PlanTarget, { kind: K }> => target.kind === kind);
  const named = (noun: string): { noun: string; atMost: number } => ({
    noun: `${noun}${rest}`,
    atMost,
  });
  const tables = [
    table({
      columns: groupColumns(statement),
      rows: groupsOf(of('session')),
      ...named('groups of sessions'),
    }),
    table({ columns: blockerColumns(statement), rows: of('blocker'), ...named('sessions') }),
    table({ columns: replicaColumns, rows: of('replica'), ...named('containers') }),
  ].filter((blocks) => blocks.length > 0);
  return [
    ...titledList('Services', of('service').map(serviceLeaves)),
    ...titledList('Settings', of('setting').map(settingLeaves)),
    ...titledList('Pool', of('pool').flatMap(poolLeaves)),
    ...titledList('Prepared transactions', of('prepared').map(preparedLeaves)),
    // Slack takes one table in a message; a second kind of target is drawn as text.
    ...tables.flatMap((blocks, index) => (index === 0 ? blocks : blocks.map(drawTable))),
  ];
}

type Backend = Column<BlockerTarget>;
const pid: Backend = { title: 'PID', value: ({ identity }) => String(identity.pid) };
const whose: readonly Backend[] = [
  { title: 'User', value: ({ identity }) => identity.user, max: 24 },
  { title: 'Application', value: ({ identity }) => identity.application, max: 32 },
];
const work: readonly Backend[] = [
  { title: 'Transaction', value: ({ transactionAgeSeconds }) => toAge(transactionAgeSeconds) },
  { title: 'Wrote', value: ({ hasWritten }) => (hasWritten ? 'yes' : 'no') },
];

const groupColumns = (statement: number): readonly Column<Group>[] => [
  {
    title: 'Sessions',
    value: ({ first, alike }) =>
      alike.length === 1 ? `pid ${first.identity.pid}` : `${alike.length}`,
  },
  { title: 'Application', value: ({ first }) => first.identity.application, max: 32 },
  { title: 'User', value: ({ first }) => first.identity.user, max: 24 },
  { title: 'State', value: ({ first }) => first.identity.state },
  { title: 'For', value: ({ alike }) => range(alike.map(({ idleSeconds }) => idleSeconds)) },
  {
    title: 'Transaction',
    value: ({ alike }) => range(alike.map(({ transactionAgeSeconds }) => transactionAgeSeconds)),
  },
  { title: 'Wrote', value: ({ first }) => (first.hasWritten ? 'yes' : 'no') },
  { title: 'Last statement', value: ({ first }) => first.query, max: statement },
];

const howWords: Readonly<Record<BlockerTarget['how'], string>> = {
  cancel: 'cancel',
  'cancel-then-terminate': 'cancel, then end',
  terminate: 'end',
};

const blockerColumns = (statement: number): readonly Column<BlockerTarget>[] => [
  pid,
  { title: 'What', value: ({ how }) => howWords[how] },
  { title: 'Blocks', value: ({ victims }) => victims },
  ...whose,
  {
    title: 'State',
    value: ({ identity, queued }) => (queued ? `${identity.state}, also waiting` : identity.state),
  },
  ...work,
  { title: 'Statement', value: ({ query }) => query, max: statement },
];

const replicaColumns: readonly Column<ReplicaTarget>[] = [
  { title: 'Container', value: ({ name }) => name, max: 60 },
  { title: 'State', value: ({ state }) => state },
  { title: 'Health', value: ({ health }) => health },
  { title: 'Connections', value: ({ connections }) => connections ?? 'unknown' },
];

function serviceLeaves({ name, connections }: ServiceTarget): Leaf[] {
  return [
    code(name, 100),
    plain(connections === null ? ': connections unknown' : `: ${count(connections, 'connection')}`),
  ];
}

/** `max_connections, whole cluster: 100 → 150`, and what holds now where that is something else. */
function settingLeaves({ name, role, from, to, inForce, source }: SettingTarget): Leaf[] {
  const place: Leaf[] =
    role === null
      ? [plain('for the whole cluster')]
      : rich`${plain('for the role')} ${code(role, 63)}`;
  const now = from === null ? [plain('not set')] : [code(from, 60)];
  const then = to === null ? [plain('not set')] : [code(to, 60)];
  const inForceLeaves: Leaf[] =
    from === inForce
      ? []
      : rich` (${plain('now in force:')} ${code(inForce, 60)}${plain(`, from: ${source}`)})`;
  return [
    ...rich`${code(name, 63)} `,
    ...place,
    ...rich`: `,
    ...now,
    ...rich` → `,
    ...then,
    ...inForceLeaves,
  ];
}

function poolLeaves({ service, from, to, processes, variables }: PoolTarget): Leaf[][] {
  const line = (variable: string, before: number | undefined, after: number): Leaf[] =>
    rich`${code(variable)} ${plain(`${before ?? 'unknown'} → ${after}`)}`;
  const each = processes === 1 ? '1 process' : `${processes} processes with a pool each`;
  return [
    line(variables.size, from?.poolSize, to.poolSize),
    ...(variables.overflow === null
      ? []
      : [line(variables.overflow, from?.maxOverflow, to.maxOverflow)]),
    rich`${bold(service)}: ${plain(`${each}, at most ${count((to.poolSize + to.maxOverflow) * processes, 'connection')}`)}`,
  ];
}

function preparedLeaves(target: PreparedTarget): Leaf[] {
  const { gid, owner, database, ageSeconds, victims, locksHeld } = target;
  return rich`${code(gid, 200)} ${plain('of')} ${code(owner, 63)} ${plain('in')} ${code(database, 63)}${plain(
    `: prepared ${toAge(ageSeconds)} ago, ${count(victims, 'session')} waiting, ${count(locksHeld, 'lock')}`,
  )}`;
}
