import type { Cause } from '../diagnosis.ts';
import { count, percent } from '../words.ts';
import { nameOf, outButIdle, suspicious } from './picture.ts';
import type { Holder, Picture } from './picture.ts';
import { sign, weigh } from './weigh.ts';
import type { Sign } from './weigh.ts';

/** From this share of the usable slots on, one process's pool is too large to have a second one beside it. */
const largeShare = 0.3;
/** Below this use of the server, what a pool waits for is the pool. */
const roomyUtilisation = 0.6;

/** A pool too large for the server, or too small for its application. */
export function judgePoolMisconfiguration(picture: Picture): Cause[] {
  const [likeliest] = [...tooLarge(picture), ...tooSmall(picture)].toSorted(
    (a, b) => b.confidence - a.confidence,
  );
  return likeliest === undefined ? [] : [likeliest];
}

function tooLarge(picture: Picture): Cause[] {
  const { pressure, usable, holders, sight, used, unused } = picture;
  if (pressure === 'none' || usable === null) return [];
  const holder = holders.find((one) => isLarge(one, usable));
  if (holder === undefined) return [];
  // A large pool that works is demand; only connections kept without need are the pool's fault.
  const spare = (holder.checkedIn ?? 0) >= holder.holds * 0.5 || unused >= used * 0.3;
  const kept = spare && holder.idle >= holder.holds * 0.5;
  if (sight === 'sessions' && !kept) return [];
  return weigh(
    'pool-misconfiguration',
    `The pool of ${nameOf(holder)} is too large for ${usable} usable connections.`,
    [
      { weight: 0.35, say: describeSize(holder, usable) },
      ...sign(isHalf(holder, usable), 0.15, 'That is half of the server or more.'),
      ...(sight === 'sessions' ? fromUse(holder, picture) : [unseen]),
    ],
  );
}

const unseen: Sign = { weight: 0, say: 'Whether the connections are in use cannot be seen.' };

function isLarge(holder: Holder, usable: number): boolean {
  if (holder.perProcess === 'unlimited') return holder.holds >= usable * largeShare;
  if (holder.perProcess !== null) return holder.perProcess >= usable * largeShare;
  return holder.processes <= 2 && holder.holds >= usable * 0.5;
}

function isHalf({ perProcess, holds }: Holder, usable: number): boolean {
  return perProcess === 'unlimited' || (perProcess ?? holds) >= usable * 0.5;
}

function describeSize({ perProcess, holds, processes }: Holder, usable: number): string {
  if (perProcess === 'unlimited') return 'A process of it may open as many as it likes.';
  return perProcess === null
    ? `${count(processes, 'process', 'processes')} of it ${processes === 1 ? 'holds' : 'hold'} ${holds} connections.`
    : `One process of it may open ${Math.round(perProcess)}, ${percent(perProcess / usable)} of the slots.`;
}

function fromUse(holder: Holder, picture: Picture): Sign[] {
  const { holds, idle, checkedIn, checkedOut } = holder;
  const odd = suspicious(picture) / Math.max(1, picture.used);
  return [
    ...sign(holds >= picture.used * 0.4, 0.15, `It holds ${holds} of ${picture.used} connections.`),
    ...sign(true, 0.1, `${idle} of them are idle.`),
    ...sign(
      (checkedIn ?? 0) >= holds * 0.5,
      0.2,
      `Its pools themselves count ${checkedIn ?? 0} as not in use.`,
    ),
    ...sign(
      (checkedOut ?? 0) >= holds * 0.6,
      -0.35,
      `Its pools count ${checkedOut ?? 0} as in use, so they are not too large.`,
    ),
    ...sign(odd >= 0.2, -0.3, 'Many sessions are slow, blocked or forgotten.'),
  ];
}

function tooSmall(picture: Picture): Cause[] {
  const { atLimit, poolTimeouts, evidence, usable, sight } = picture;
  const utilisation = evidence.capacity?.utilisation ?? 1;
  const pool = atLimit[0];
  if (sight !== 'sessions' || usable === null || utilisation >= roomyUtilisation) return [];
  if (pool === undefined && poolTimeouts === 0) return [];
  const timedOut = evidence.logs.find((log) =>
    log.classes.some((one) => one.class === 'pool-timeout'),
  );
  const service = pool?.service ?? timedOut?.service ?? null;
  return weigh(
    'pool-misconfiguration',
    `The pool of ${nameOf({ service })} is too small: requests wait while PostgreSQL has room.`,
    [
      ...sign(
        pool !== undefined,
        0.2,
        `${pool?.checkedOut ?? 0} of the pool's ${pool?.limit ?? 0} connections are in use.`,
      ),
      ...sign(
        poolTimeouts > 0,
        0.3,
        `${count(poolTimeouts, 'request')} gave up waiting for a connection of the pool.`,
      ),
      ...sign(poolTimeouts === 0, 0, 'No request is known to have given up waiting.'),
      {
        weight: 0.15,
        say: `PostgreSQL has ${evidence.capacity?.free ?? 0} of ${usable} slots free.`,
      },
      ...fromHolders(picture, service, usable),
    ],
  );
}

/** A pool runs dry too when its connections are held for long: then a larger one only hides it. */
function fromHolders(picture: Picture, service: string | null, usable: number): Sign[] {
  const holder = picture.holders.find((one) => one.service === service);
  const forgotten = Math.min(picture.unused, holder === undefined ? 0 : outButIdle(holder));
  const held = picture.lingering + picture.slow + picture.waitingLong + forgotten;
  const many = held >= Math.max(1, (holder?.checkedOut ?? picture.used) * 0.3);
  const { perProcess = null } = holder ?? {};
  return [
    ...sign(!many, 0.2, 'The connections in use do short work.'),
    ...sign(
      many,
      -0.5,
      `${count(held, 'session is', 'sessions are')} slow, blocked or forgotten: they hold the pool.`,
    ),
    ...sign(
      typeof perProcess === 'number' && perProcess <= usable * 0.1,
      0.1,
      `A process may open only ${Math.round(Number(perProcess))} of ${usable} slots.`,
    ),
  ];
}
