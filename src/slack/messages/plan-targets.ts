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
import { toAge } from '../../runbook/snapshot/words.ts';
import { drawTable } from './kit/fallbacks.ts';
import type { MessageBlock } from './kit/message.ts';
import { bold, code, plain, titledList, rich } from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { table } from './kit/table.ts';
import type { Column } from './kit/table.ts';

/** Targets shown on the card itself; more stand in its thread. */
const targetsOnCard = 12;
/** What surely fits into one message's table, though every name be as long as can be. */
const listed = { atMost: 30, statement: 40, rest: '' };

interface Cut {
  readonly atMost: number;
  /** Where those are listed that are left out. */
  readonly rest: string;
  /** Characters of a statement. */
  readonly statement: number;
}

/** The exact targets, as many as a card bears. */
export function targetsOf({ targets }: Pick<Plan, 'targets'>): MessageBlock[] {
  return targetBlocks(targets, {
    atMost: targetsOnCard,
    statement: 80,
    rest: ', listed in the thread',
  });
}

/** As many as one message bears, for a plan that has no thread. */
export function mostTargetsOf({ targets }: Pick<Plan, 'targets'>): MessageBlock[] {
  return targetBlocks(targets, listed);
}

/** All targets in parts, for the thread; nothing where the card shows them all. */
export function allTargets({ targets }: Pick<Plan, 'targets'>): readonly MessageBlock[][] {
  if (targets.length <= targetsOnCard) return [];
  const { atMost } = listed;
  return Array.from({ length: Math.ceil(targets.length / atMost) }, (_, index) =>
    targetBlocks(targets.slice(index * atMost, (index + 1) * atMost), listed),
  );
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
    table({ columns: sessionColumns(statement), rows: of('session'), ...named('sessions') }),
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

type Backend = Column<SessionTarget | BlockerTarget>;
const pid: Backend = { title: 'PID', value: ({ identity }) => String(identity.pid) };
const whose: readonly Backend[] = [
  { title: 'User', value: ({ identity }) => identity.user, max: 24 },
  { title: 'Application', value: ({ identity }) => identity.application, max: 32 },
];
const work: readonly Backend[] = [
  { title: 'Transaction', value: ({ transactionAgeSeconds }) => toAge(transactionAgeSeconds) },
  { title: 'Wrote', value: ({ hasWritten }) => (hasWritten ? 'yes' : 'no') },
];

const sessionColumns = (statement: number): readonly Column<SessionTarget>[] => [
  pid,
  ...whose,
  { title: 'State', value: ({ identity }) => identity.state },
  { title: 'In this state', value: ({ idleSeconds }) => toAge(idleSeconds) },
  ...work,
  { title: 'Last statement', value: ({ query }) => query, max: statement },
];

const howWords: Readonly<Record<BlockerTarget['how'], string>> = {
  cancel: 'cancel',
  'cancel-then-terminate': 'cancel, then end',
  terminate: 'end',
};

const blockerColumns = (statement: number): readonly Column<BlockerTarget>[] => [
  pid,
  { title: 'What', value: ({ how }) => howWords[how] },
  { title: 'Holds up', value: ({ victims }) => victims },
  ...whose,
  {
    title: 'State',
    value: ({ identity, queued }) => (queued ? `${identity.state}, waits itself` : identity.state),
  },
  ...work,
  { title: 'Statement', value: ({ query }) => query, max: statement },
];

const replicaColumns: readonly Column<ReplicaTarget>[] = [
  { title: 'Container', value: ({ name }) => name, max: 60 },
  { title: 'State', value: ({ state }) => state },
  { title: 'Health', value: ({ health }) => health },
  { title: 'Connections', value: ({ connections }) => connections ?? 'not known' },
];

function serviceLeaves({ name, connections }: ServiceTarget): Leaf[] {
  return [code(name, 100), plain(`: ${connections ?? 'an unknown number of'} connections`)];
}

/** `max_connections, whole cluster: 100 → 150`, and what holds now where that is something else. */
function settingLeaves({ name, role, from, to, inForce, source }: SettingTarget): Leaf[] {
  const place: Leaf[] =
    role === null
      ? [plain('for the whole cluster')]
      : rich`${plain('for the role')} ${code(role, 63)}`;
  const now = from === null ? [plain('not set there')] : [code(from, 60)];
  const then = to === null ? [plain('taken away again')] : [code(to, 60)];
  const inForceLeaves: Leaf[] =
    from === inForce
      ? []
      : rich` (${plain('in force now:')} ${code(inForce, 60)}${plain(`, from: ${source}`)})`;
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
    rich`${code(variable)} ${plain(`${before ?? 'not known'} → ${after}`)}`;
  const each = processes === 1 ? '1 process' : `${processes} processes, a pool in each`;
  return [
    line(variables.size, from?.poolSize, to.poolSize),
    ...(variables.overflow === null
      ? []
      : [line(variables.overflow, from?.maxOverflow, to.maxOverflow)]),
    rich`${bold(service)}: ${plain(`${each}; at most ${(to.poolSize + to.maxOverflow) * processes} connections`)}`,
  ];
}

function preparedLeaves(target: PreparedTarget): Leaf[] {
  const { gid, owner, database, ageSeconds, victims, locksHeld } = target;
  return rich`${code(gid, 200)} ${plain('of')} ${code(owner, 63)} ${plain('in')} ${code(database, 63)}${plain(
    `: prepared ${toAge(ageSeconds)} ago, ${victims} sessions wait for it, ${locksHeld} locks`,
  )}`;
}
