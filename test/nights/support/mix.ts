import { createSeeded } from '../../../sandbox/patient/seeded.ts';
import type { Seeded } from '../../../sandbox/patient/seeded.ts';
import type { DiagnoseInput } from '../../../src/runbook/diagnose/evidence.ts';
import type { PoolReading } from '../../../src/runbook/snapshot/readings.ts';
import type {
  ServiceReading,
  SessionReading,
  SourceReading,
  WaiterReading,
} from '../../../src/runbook/snapshot/snapshot.ts';
import {
  aPool,
  aReading,
  aReplica,
  aService,
  aServiceReading,
  aSession,
  aSnapshot,
  aSource,
  aTarget,
  aWaiter,
  locksOf,
} from '../../runbook/diagnose/builders.ts';

/** What some sessions of one application do. */
export type Behaviour =
  | 'working'
  | 'thinking'
  | 'idle by design'
  | 'leak in transaction'
  | 'idle leak'
  | 'slow'
  | 'uncommitted'
  | 'waiting'
  | 'dead pool';

export interface Part {
  readonly behaviour: Behaviour;
  readonly many: number;
  /** Null: sessions of nobody who is configured. */
  readonly service: string | null;
  readonly hasMetrics: boolean;
  readonly fits: boolean;
}

export interface Mix {
  readonly input: DiagnoseInput;
  readonly parts: readonly Part[];
  readonly usable: number;
}

/** A look at a server on which these parts are at once; listed as the statement lists them. */
export function mixOf(seed: number, usable: number, parts: readonly Part[]): Mix {
  const seeded = createSeeded(seed);
  const sessions = parts.flatMap((part, index) => sessionsOf(part, index, seeded));
  const list = listed(sessions);
  const placed = parts.map((part, at) => ({ ...part, at }));
  const shown = placed.filter(({ service }) => service !== null);
  return {
    parts,
    usable,
    input: {
      recent: [],
      target: aTarget({ services: shown.map(({ service }) => aService({ name: service ?? '' })) }),
      snapshot: aSnapshot({
        reading: aReading({
          capacity: {
            maxConnections: usable + 3,
            superuserReserved: 3,
            reserved: 0,
            providerReserved: 0,
          },
          counts: countsOf(sessions),
          sources: [...parts.flatMap(sourceOf), ownSource(seeded.between(1, 3))],
          sessions: list,
          locks: locksOf(waitersOf(parts, sessions)),
        }),
        pools: shown.filter(({ hasMetrics }) => hasMetrics).map(poolOf),
        services: { services: shown.map(serviceOf) },
      }),
    },
  };
}

function ownSource(many: number): SourceReading {
  return aSource({ user: 'dbconn', application: 'dbconn', client: null, total: many, idle: many });
}

const inTransaction: readonly Behaviour[] = ['leak in transaction', 'uncommitted'];
const active: readonly Behaviour[] = ['working', 'slow', 'waiting'];

function ageOf({ behaviour }: Part, index: number, seeded: Seeded): number {
  switch (behaviour) {
    case 'working':
    case 'thinking':
      return seeded.between(1, 900) / 1_000;
    case 'slow':
      return seeded.between(61, 400);
    case 'idle leak':
      return 2_000 + index * 40;
    default:
      return seeded.between(310, 3_000);
  }
}

function sessionsOf(part: Part, at: number, seeded: Seeded): SessionReading[] {
  const { behaviour, many, service } = part;
  if (behaviour === 'dead pool') return [];
  return Array.from({ length: many }, (_, index) => {
    const age = ageOf(part, index, seeded);
    return aSession({
      pid: 10_000 * (at + 1) + index,
      application: service ?? `stranger ${at}`,
      client: `10.0.${at}.1`,
      state: stateOf(behaviour),
      stateAgeSeconds: age,
      queryAgeSeconds: age,
      transactionAgeSeconds: inTransaction.includes(behaviour) ? age : null,
      waitEventType: behaviour === 'waiting' ? 'Lock' : null,
      hasWritten: behaviour === 'uncommitted',
      fingerprint: behaviour === 'leak in transaction' ? 'leak' : `${seeded.between(1, 1_000_000)}`,
    });
  });
}

function stateOf(behaviour: Behaviour): SessionReading['state'] {
  if (inTransaction.includes(behaviour)) return 'idle in transaction';
  return active.includes(behaviour) ? 'active' : 'idle';
}

/** The oldest of each kind, as many as the statement gives. */
function listed(sessions: readonly SessionReading[]): SessionReading[] {
  const oldest = (state: SessionReading['state'], many: number): SessionReading[] =>
    sessions
      .filter((one) => one.state === state)
      .toSorted((a, b) => (b.stateAgeSeconds ?? 0) - (a.stateAgeSeconds ?? 0))
      .slice(0, many);
  return [...oldest('idle in transaction', 40), ...oldest('active', 20), ...oldest('idle', 20)];
}

function countsOf(
  sessions: readonly SessionReading[],
): NonNullable<NonNullable<Parameters<typeof aReading>[0]>['counts']> {
  const count = (fits: (session: SessionReading) => boolean): number =>
    sessions.filter(fits).length;
  const isOver = (seconds: number) => (one: SessionReading) => (one.stateAgeSeconds ?? 0) > seconds;
  return {
    clients: sessions.length + 1,
    active: count(({ state }) => state === 'active') + 1,
    idle: count(({ state }) => state === 'idle'),
    idleInTransaction: count(({ state }) => state === 'idle in transaction'),
    idleInTransactionOverWarning: count(
      (one) => one.state === 'idle in transaction' && isOver(300)(one),
    ),
    idleInTransactionOverTerminate: count(
      (one) => one.state === 'idle in transaction' && isOver(600)(one),
    ),
    idleOverTerminate: count((one) => one.state === 'idle' && isOver(1_800)(one)),
    slowQueries: count(
      (one) => one.state === 'active' && one.waitEventType !== 'Lock' && isOver(60)(one),
    ),
    lockWaiting: count(({ waitEventType }) => waitEventType === 'Lock'),
  };
}

function sourceOf(part: Part, at: number): SourceReading[] {
  const { behaviour, many, service } = part;
  if (behaviour === 'dead pool') return [];
  const state = stateOf(behaviour);
  const isLeak = behaviour === 'idle leak';
  return [
    aSource({
      application: service ?? `stranger ${at}`,
      client: `10.0.${at}.1`,
      total: many,
      active: state === 'active' ? many : 0,
      idle: state === 'idle' ? many : 0,
      idleInTransaction: state === 'idle in transaction' ? many : 0,
      idleInTransactionOverTerminate: state === 'idle in transaction' ? Math.floor(many / 2) : 0,
      idleOverTerminate: isLeak ? many : 0,
      usedOnce: isLeak || behaviour === 'idle by design' ? many : 0,
      usedOnceAges: Array.from({ length: 11 }, (_, tenth) =>
        isLeak ? 2_000 + many * 4 * tenth : 9_000 + tenth,
      ),
    }),
  ];
}

/** All behind the first session there is that holds anything: a chain has one root. */
function waitersOf(parts: readonly Part[], sessions: readonly SessionReading[]): WaiterReading[] {
  const waiting = sessions.filter(({ waitEventType }) => waitEventType === 'Lock');
  const root = sessions.find(({ waitEventType }) => waitEventType !== 'Lock');
  if (root === undefined || parts.length === 0) return [];
  return waiting.map(({ pid }) => aWaiter(pid, [root.pid], { waitSeconds: 120 }));
}

function poolOf({ behaviour, many, service }: Part): PoolReading {
  const isOut = behaviour !== 'idle by design' && behaviour !== 'thinking';
  const limit = isOut ? many : many + 5;
  return aPool({
    service: service ?? '',
    size: limit,
    maxOverflow: 0,
    limit,
    checkedOut: isOut ? many : Math.floor(many / 10),
    checkedIn: isOut ? 0 : many - Math.floor(many / 10),
    utilisation: isOut ? many / limit : 0.1,
  });
}

function serviceOf({ service, many, fits, at }: Part & { readonly at: number }): ServiceReading {
  const size = fits ? many : many * 2;
  return aServiceReading({
    name: service ?? '',
    replicas: [
      aReplica({
        name: `${service}-1`,
        addresses: [`10.0.${at}.1`],
        pool: { ...aReplica().pool, size, maxOverflow: 0 },
      }),
    ],
  });
}
