import type { Cause, LeakSuspect } from '../diagnosis.ts';
import { count, percent, sum } from '../words.ts';
import { leastAlike, nameOf, outButIdle, samePath } from './picture.ts';
import type { Holder, Picture } from './picture.ts';
import { sign, weigh } from './weigh.ts';
import type { Sign } from './weigh.ts';

/** Code that does not close its connections: the same place in the code, again and again, never given back. */
export function judgeConnectionLeak(picture: Picture): Cause[] {
  const path = samePath(picture);
  const forgetful = picture.holders.find((holder) => isForgetful(holder, picture));
  const beyond = picture.holders.find(isBeyond);
  const titles = picture.sight === 'titles' && picture.inTransaction >= picture.used * 0.3;
  if (!path && !forgetful && !(titles && picture.atLimit.length > 0)) return [];
  const service = path ? serviceOf(path, picture) : forgetful?.service;
  const name = nameOf({ service: service ?? null });
  return weigh('connection-leak', `Connections of ${name} are not given back.`, [
    ...(path ? fromPath(path, picture) : []),
    ...(forgetful ? fromPool(forgetful) : []),
    ...(beyond ? fromBudget(beyond) : []),
    ...sign(
      titles,
      0.3,
      `Process titles show ${picture.inTransaction} of ${picture.used} idle in transaction; their statements cannot be seen.`,
    ),
    ...inCommon(picture),
  ]);
}

/** By their addresses first: an application name is often empty, or a driver's. */
function serviceOf({ application }: LeakSuspect, picture: Picture): string | null {
  const named = picture.lingeringSessions
    .filter((session) => session.application === application)
    .map(({ client }) => picture.evidence.findService(client, application));
  const [first] = named;
  return first !== undefined && named.every((name) => name === first) ? first : null;
}

function fromPath(path: LeakSuspect, { lingeringSessions }: Picture): Sign[] {
  const written = path.hasWritten >= path.sessions / 2;
  const ages = lingeringSessions
    .filter(({ application }) => application === path.application)
    .map(({ stateAgeSeconds }) => stateAgeSeconds ?? 0);
  return [
    {
      weight: 0.4,
      say: `Of ${lingeringSessions.length} sessions looked at that linger in a transaction, ${path.sessions} ran the same statement last.`,
    },
    ...sign(!written, 0.2, 'They have written nothing: read, and then forgotten.'),
    ...sign(written, -0.15, 'They have written: a missing COMMIT looks the same.'),
    ...sign(
      Math.min(...ages) <= Math.max(...ages) / 2,
      0.05,
      'They were left behind one after another, not all at once.',
    ),
  ];
}

function isForgetful(holder: Holder, { unused }: Picture): boolean {
  const forgotten = outButIdle(holder);
  if (forgotten < leastAlike || unused < leastAlike) return false;
  // The pool's own idle members are not the forgotten ones, where it tells how many it keeps.
  const kept = holder.checkedIn ?? 0;
  return forgotten >= (holder.checkedOut ?? 0) / 2 && holder.idle - kept >= leastAlike;
}

function fromPool(holder: Holder): Sign[] {
  return [
    {
      weight: 0.5,
      say: `The pools of ${nameOf(holder)} count ${holder.checkedOut ?? 0} connections as in use, PostgreSQL sees ${outButIdle(holder)} of them idle.`,
    },
  ];
}

function isBeyond({ holds, mayOpen }: Holder): boolean {
  return typeof mayOpen === 'number' && holds - mayOpen >= leastAlike;
}

function fromBudget(holder: Holder): Sign[] {
  return [
    {
      // No more: a number of workers that was never configured looks the same.
      weight: 0.1,
      say: `${nameOf(holder)} holds ${holder.holds} connections, though its pools may open ${holder.mayOpen ?? 0}.`,
    },
  ];
}

function inCommon(picture: Picture): Sign[] {
  const { atLimit, poolTimeouts, working, used, waitingLong, holders, lingering, evidence } =
    picture;
  const [pool] = atLimit;
  const left = lingering + sum(holders.map(outButIdle));
  const growing =
    evidence.forecast.basis === 'recent-looks' && evidence.forecast.minutesUntilFull !== null;
  const growth = evidence.forecast.connectionsPerMinute ?? 0;
  return [
    ...sign(
      pool !== undefined && working < (pool.checkedOut || 1) / 2,
      0.15,
      `A pool of ${pool?.service ?? ''} is used up while ${count(working, 'query runs', 'queries run')}.`,
    ),
    ...sign(
      poolTimeouts > 0,
      0.05,
      `${count(poolTimeouts, 'request')} gave up waiting for a pool.`,
    ),
    ...sign(growing, 0.1, `It grows by ${growth} connections a minute.`),
    ...sign(
      used > 0 && working / used >= 0.6,
      -0.2,
      `${percent(working / Math.max(1, used))} of the sessions are at work.`,
    ),
    ...sign(waitingLong > left, -0.15, 'More sessions wait for locks than were left behind.'),
  ];
}
