import { count, percent, sum } from '../../snapshot/words.ts';
import type { Cause } from '../diagnosis.ts';
import { plannedShare } from '../pool-sizes.ts';
import { waitsByClass } from '../waits.ts';
import {
  indicator,
  isDead,
  nameOf,
  outButIdle,
  scoreCause,
  suspicious,
  waitsForItself,
} from './cause-input.ts';
import type { CauseInput, Holder, Indicator } from './cause-input.ts';

/** From this share of the usable slots on, one process's pool is too large to have a second one beside it. */
const largeShare = 0.3;
/** Below this use of the server, what a pool waits for is the pool. */
const roomyUtilisation = 0.6;

/** A pool too large for the server, or too small for its application. */
export function judgePoolMisconfiguration(input: CauseInput): Cause[] {
  const [likeliest] = [...tooLarge(input), ...tooSmall(input)].toSorted(
    (a, b) => b.confidence - a.confidence,
  );
  return likeliest === undefined ? [] : [likeliest];
}

function tooLarge(input: CauseInput): Cause[] {
  const { pressure, usable, holders, detail, used, unused, evidence } = input;
  if (pressure === 'none' || usable === null) return [];
  const holder = holders.find((one) => isLarge(one, usable, input));
  // What is lost fills a pool of any size.
  if (holder === undefined || input.idleLeak?.service === holder.service) return [];
  if (evidence.strangers !== null || evidence.abandoned?.service === holder.service) return [];
  // Its old replicas end with the deploy, and their pools with them.
  if (evidence.overlaps.some((one) => one.certain && one.service === holder.service)) return [];
  // A large pool that works is demand; only connections kept without need are the pool's fault.
  const hasRoom = (holder.checkedIn ?? 0) >= holder.holds * 0.5 || unused >= used * 0.3;
  const kept = hasRoom && holder.idle >= holder.holds * 0.5;
  if (detail === 'sessions' && !kept) return [];
  return scoreCause(
    'pool-misconfiguration',
    `The pool of ${nameOf(holder)} is too large for ${usable} usable connections.`,
    [
      { weight: 0.35, sentence: describeSize(holder.perProcess, usable) },
      ...indicator(
        holder.perProcess === 'unlimited' || Number(holder.perProcess) >= usable * 0.5,
        0.15,
        'That is at least half of the server.',
      ),
      ...(detail === 'sessions' ? fromUse(holder, input) : [useUnknown]),
    ],
  );
}

const useUnknown: Indicator = {
  weight: 0,
  sentence: 'It is unknown whether the connections are in use.',
};

/**
 * Only by numbers that were read: many idle connections may be as many as somebody planned. Where all pools fit the
 * server together, it is one that leaves no room.
 */
function isLarge({ perProcess, holds }: Holder, usable: number, { evidence }: CauseInput): boolean {
  if (perProcess === null) return false;
  const most = evidence.budget.canExhaust === false ? plannedShare : largeShare;
  return (perProcess === 'unlimited' ? holds : perProcess) >= usable * most;
}

function describeSize(perProcess: Holder['perProcess'], usable: number): string {
  return typeof perProcess === 'number'
    ? `One process may open ${Math.round(perProcess)} connections, ${percent(perProcess / usable)} of the slots.`
    : 'One process may open any number of connections.';
}

function fromUse(holder: Holder, input: CauseInput): Indicator[] {
  const { holds, idle, checkedIn, checkedOut } = holder;
  const odd = suspicious(input) / Math.max(1, input.used);
  return [
    ...indicator(
      holds >= input.used * 0.4,
      0.15,
      `It holds ${holds} of ${input.used} connections.`,
    ),
    ...indicator(true, 0.1, `${idle} of them are idle.`),
    ...indicator(
      (checkedIn ?? 0) >= holds * 0.5,
      0.2,
      `Its pools report ${checkedIn ?? 0} as not in use.`,
    ),
    ...indicator(
      (checkedOut ?? 0) >= holds * 0.6,
      -0.35,
      `Its pools report ${checkedOut ?? 0} in use, so they are not too large.`,
    ),
    ...indicator(odd >= 0.2, -0.3, 'Many sessions are slow, blocked or forgotten.'),
  ];
}

function tooSmall(input: CauseInput): Cause[] {
  const { atLimit, poolTimeouts, evidence, usable, detail } = input;
  const utilisation = evidence.capacity?.utilisation ?? 1;
  const pool = atLimit[0];
  if (detail !== 'sessions' || usable === null || utilisation >= roomyUtilisation) return [];
  const hasLogs = evidence.logs.some((log) => log.service === pool?.service);
  // A pool that is all in use for a moment works as it should: its log would say that requests gave up waiting.
  if (poolTimeouts === 0 && (pool === undefined || hasLogs)) return [];
  const timedOut = evidence.logs.find((log) =>
    log.classes.some((one) => one.class === 'pool-timeout'),
  );
  const service = pool?.service ?? timedOut?.service ?? null;
  const holder = input.holders.find((one) => one.service === service);
  // More connections would be lost, or wait for each other, in the same way.
  if (holder && (isDead(holder, input) || waitsForItself(holder, input))) return [];
  return scoreCause(
    'pool-misconfiguration',
    poolTimeouts === 0
      ? `The pool of ${nameOf({ service })} may be too small: all of it is in use while PostgreSQL has room.`
      : `The pool of ${nameOf({ service })} is too small: requests wait while PostgreSQL has room.`,
    [
      ...indicator(
        pool !== undefined,
        0.2,
        `${pool?.checkedOut ?? 0} of the pool's ${pool?.limit ?? 0} connections are in use.`,
      ),
      ...indicator(
        poolTimeouts > 0,
        0.3,
        `${count(poolTimeouts, 'request')} timed out waiting for the pool.`,
      ),
      ...indicator(poolTimeouts === 0, 0, 'Its log cannot be read, so time-outs are unknown.'),
      {
        weight: 0.15,
        sentence: `PostgreSQL has ${evidence.capacity?.free ?? 0} of ${usable} slots free.`,
      },
      ...fromHolders(input, service, usable),
    ],
  );
}

/** At one statement for over a second, whatever it waits for but a lock: a commit, its client, the storage. */
function busyLong({ slow, evidence: { reading } }: CauseInput): number {
  const classes = reading === undefined ? [] : waitsByClass(reading);
  const lasting = classes.filter(({ class: name }) => name !== 'lock').map((one) => one.lasting);
  return Math.max(slow, sum(lasting));
}

/** A pool runs dry too when its connections are held for long: then a larger one only hides it. */
function fromHolders(input: CauseInput, service: string | null, usable: number): Indicator[] {
  const holder = input.holders.find((one) => one.service === service);
  const forgotten = Math.min(input.unused, holder === undefined ? 0 : outButIdle(holder));
  const held = input.lingering + busyLong(input) + input.waitingLong + forgotten;
  const many = held >= Math.max(1, (holder?.checkedOut ?? input.used) * 0.3);
  const { perProcess = null } = holder ?? {};
  return [
    ...indicator(!many, 0.2, 'The connections in use run short queries.'),
    ...indicator(
      many,
      -0.5,
      `${count(held, 'session is', 'sessions are')} slow, blocked or forgotten: they hold the pool.`,
    ),
    ...indicator(
      typeof perProcess === 'number' && perProcess <= usable * 0.1,
      0.1,
      `A process may open only ${Math.round(Number(perProcess))} of ${usable} slots.`,
    ),
  ];
}
