import { toAge } from '../runbook/snapshot/words.ts';
import type { PlanTarget } from '../runbook/remedies/plan.ts';
import type { BlockerTarget } from '../runbook/remedies/targets/blocker.ts';
import type { PoolTarget } from '../runbook/remedies/targets/pool.ts';
import type { PreparedTarget } from '../runbook/remedies/targets/prepared.ts';
import type { ReplicaTarget } from '../runbook/remedies/targets/replica.ts';
import type { SessionTarget } from '../runbook/remedies/targets/session.ts';
import type { SettingTarget } from '../runbook/remedies/targets/setting.ts';
import { toTable } from './render/layout.ts';
import type { Column } from './render/layout.ts';

type Cells = readonly (string | number | null)[];

/** Every target of a plan, one table for each kind. */
export function targetTables(targets: readonly PlanTarget[]): string {
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
      return [target.name, target.connections ?? 'not known'];
    default:
      return poolCells(target);
  }
}

const left = (title: string, width: number): Column => ({ title, width });
const right = (title: string, width: number): Column => ({ title, width, align: 'right' });

const columns: Readonly<Record<PlanTarget['kind'], readonly Column[]>> = {
  session: [
    right('pid', 8),
    left('user', 12),
    left('application', 16),
    left('state', 20),
    right('idle', 8),
    right('tx', 8),
    left('wrote', 6),
    left('last statement', 20),
  ],
  blocker: [
    right('pid', 8),
    left('what', 18),
    right('holds up', 9),
    left('user', 12),
    left('application', 14),
    left('state', 12),
    right('tx', 8),
    left('wrote', 6),
    left('statement', 11),
  ],
  replica: [left('container', 40), left('state', 14), left('health', 14), right('connections', 12)],
  service: [left('service', 40), right('connections', 12)],
  prepared: [
    left('gid', 40),
    left('owner', 14),
    left('database', 14),
    right('age', 8),
    right('locks', 8),
    right('holds up', 9),
  ],
  setting: [
    left('setting', 36),
    left('for', 16),
    left('from', 12),
    left('to', 12),
    left('in force', 12),
    left('source', 10),
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
  return [name, state, health, connections ?? 'not known'];
}

function preparedCells(target: PreparedTarget): Cells {
  const { gid, owner, database, ageSeconds, locksHeld, victims } = target;
  return [gid, owner, database, toAge(ageSeconds), locksHeld, victims];
}

function settingCells({ name, role, from, to, inForce, source }: SettingTarget): Cells {
  return [name, role ?? 'whole cluster', from ?? 'not set', to ?? 'taken away', inForce, source];
}

/** Two variables in one row: the .env has a line for each. */
function poolCells({ service, from, to, processes }: PoolTarget): Cells {
  const now = from === null ? 'not known' : `${from.poolSize} + ${from.maxOverflow}`;
  return [service, 'size + overflow', now, `${to.poolSize} + ${to.maxOverflow}`, processes];
}

function shortState(state: string): string {
  return state.replace('idle in transaction', 'idle in tx');
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}
