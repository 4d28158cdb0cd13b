import { count, durationOfSeconds, percent, sum } from '../../snapshot/words.ts';
import type { Cause, LeakSuspect } from '../diagnosis.ts';
import { leftOver } from '../leaks.ts';
import { toApplication } from '../sources.ts';
import {
  indicator,
  isDead,
  leastAlike,
  leastShare,
  nameOf,
  outButIdle,
  samePath,
  scoreCause,
  shareOf,
  waitsForItself,
} from './cause-input.ts';
import type { CauseInput, Holder, Indicator } from './cause-input.ts';

/** Code that does not close its connections: the same place in the code, again and again, never given back. */
export function judgeConnectionLeak(input: CauseInput): Cause[] {
  const dead = input.holders.find((holder) => isDead(holder, input));
  if (dead !== undefined) return fromLostPool(dead, input);
  const path = lastPath(input);
  const forgetful = input.holders.find((holder) => isForgetful(holder, input));
  // What lingers for longer was left behind, and says so itself.
  const waiting = input.holders.find((holder) => waitsForItself(holder, input));
  if (!path && !forgetful && waiting !== undefined) return fromLostPool(waiting, input);
  const beyond = input.holders.find(isBeyond);
  const titles = input.detail === 'titles' && input.inTransaction >= input.used * 0.3;
  if (!path && !forgetful && !(titles && input.atLimit.length > 0)) return fromIdle(input);
  const service = path ? serviceOf(path, input) : forgetful?.service;
  const name = nameOf({ service: service ?? null });
  return scoreCause('connection-leak', `Connections of ${name} are not returned.`, [
    ...(path ? fromPath(path, input) : []),
    ...(forgetful ? fromPool(forgetful) : []),
    ...(beyond ? fromBudget(beyond) : []),
    ...indicator(
      titles,
      0.3,
      `Process titles show ${input.inTransaction} of ${input.used} idle in transaction; their statements cannot be seen.`,
    ),
    ...inCommon(input),
  ]);
}

/** Whose connections are not given back: null for an application that is no service, undefined where none can be told. */
export function leakingService(input: CauseInput): string | null | undefined {
  const dead = input.holders.find((holder) => isDead(holder, input));
  if (dead !== undefined) return dead.service;
  const path = lastPath(input);
  if (path !== undefined) return serviceOf(path, input);
  const holder =
    input.holders.find((one) => isForgetful(one, input)) ??
    input.holders.find((one) => waitsForItself(one, input));
  return holder === undefined ? input.idleLeak?.service : holder.service;
}

/** The place in the code that left enough behind to be the trouble. */
function lastPath(input: CauseInput): LeakSuspect | undefined {
  return shareOf(input.lingering, input) >= leastShare ? samePath(input) : undefined;
}

/** The application's own account is enough: no session on the server speaks against it. */
function fromLostPool(holder: Holder, input: CauseInput): Cause[] {
  const { checkedOut, holds, stuck } = holder;
  const name = nameOf(holder);
  const dead = isDead(holder, input);
  const summary = dead
    ? `The pool of ${name} holds connections that PostgreSQL has ended.`
    : `The pool of ${name} is deadlocked: each request holds one connection and waits for another.`;
  const sentence = dead
    ? `The pools of ${name} report ${checkedOut ?? 0} connections in use, but PostgreSQL has only ${holds}.`
    : `All ${checkedOut ?? 0} connections of the pool are in use: ${stuck} are idle in transaction, and ${name} runs no query.`;
  const isFull = input.atLimit.some(({ service }) => service === holder.service);
  return scoreCause('connection-leak', summary, [
    { weight: 0.6, sentence },
    ...indicator(isFull, 0.15, 'The pool is exhausted, so requests wait.'),
    ...indicator(!isFull, 0, 'The pool still has free connections.'),
    ...indicator(
      input.poolTimeouts > 0,
      0.1,
      `${count(input.poolTimeouts, 'request')} timed out waiting for a pool.`,
    ),
    ...indicator(input.poolTimeouts === 0, 0, 'No request is known to have timed out.'),
  ]);
}

/** Lost outside of a transaction, where no pool tells what it has given out: by when each was opened and last used. */
function fromIdle(input: CauseInput): Cause[] {
  const { idleLeak, evidence, used } = input;
  // Of clients that no configuration knows, who holds the slots is the news; idle ones are no proof of a leak.
  if (idleLeak?.service === null && evidence.strangers !== null) return [];
  if (idleLeak === undefined || shareOf(idleLeak.sessions, input, idleLeak.service) < leastShare)
    return [];
  const { sessions, holds, ages } = idleLeak;
  const oldest = ages.at(-1) ?? 0;
  const name = nameOf(idleLeak);
  const kept = leftOver(evidence.history, idleLeak);
  const grows = kept !== null && kept.left >= kept.opened / 2;
  // A pool that replaces its connections after half an hour looks the same for half an hour.
  if (!grows && oldest * 1_000 < evidence.target.limits.terminateIdleMs) return [];
  return scoreCause('connection-leak', `Connections of ${name} are not returned.`, [
    {
      weight: 0.35,
      sentence: `${sessions} of ${count(holds, 'connection')} of ${name} have been idle since they opened, the oldest for ${durationOfSeconds(oldest)}.`,
    },
    { weight: 0.15, sentence: 'They were opened one after another, not all at once.' },
    ...indicator(
      sessions >= used / 2,
      0.1,
      `They hold ${percent(sessions / Math.max(1, used))} of all connections.`,
    ),
    ...indicator(input.pressure !== 'none', 0.1, 'Few slots are left.'),
    ...indicator(
      grows,
      0.15,
      `Of ${kept?.opened ?? 0} opened during recent checks, none was closed.`,
    ),
    ...indicator(
      kept !== null && !grows,
      -0.5,
      `Recent checks saw ${kept?.opened ?? 0} opened and as many closed: the pool replaces them.`,
    ),
    { weight: 0, sentence: 'The pool itself could not be read to confirm it.' },
    {
      weight: 0,
      sentence:
        'Clients that vanished without closing would appear the same; a restart does not free those.',
    },
  ]);
}

/** By their addresses first: an application name is often empty, or a driver's. */
function serviceOf({ application }: LeakSuspect, input: CauseInput): string | null {
  const named = input.lingeringSessions
    .filter((session) => isOf(session, application))
    .map((session) => serviceOfSession(session, input.evidence));
  const [first] = named;
  return first !== undefined && named.every((name) => name === first) ? first : null;
}

/** Through a pooler every session comes from its address: the name it hands on tells, or that it has one client only. */
function serviceOfSession(
  { client, user, database, application }: CauseInput['lingeringSessions'][number],
  { sources, poolers, findService }: CauseInput['evidence'],
): string | null {
  const pooled = sources.find(
    (one) => one.client === client && one.user === user && one.database === database,
  )?.pooler;
  if (pooled === undefined) return findService(client, application);
  const named = findService(null, application);
  if (named !== null && named !== pooled) return named;
  const { services = [] } = poolers.find(({ name }) => name === pooled) ?? {};
  return services.length === 1 ? (services[0] ?? null) : null;
}

function isOf(session: CauseInput['lingeringSessions'][number], application: string): boolean {
  return toApplication(session.application) === toApplication(application);
}

function fromPath(path: LeakSuspect, { lingeringSessions }: CauseInput): Indicator[] {
  const written = path.hasWritten >= path.sessions / 2;
  const ages = lingeringSessions
    .filter((session) => isOf(session, path.application))
    .map(({ stateAgeSeconds }) => stateAgeSeconds ?? 0);
  return [
    {
      weight: 0.4,
      sentence: `Of ${count(lingeringSessions.length, 'session')} left idle in transaction, ${path.sessions} ran the same statement last.`,
    },
    ...indicator(!written, 0.2, 'They wrote nothing: they read data and were then left open.'),
    ...indicator(written, -0.15, 'They wrote data: a missing COMMIT would have the same effect.'),
    ...indicator(
      Math.min(...ages) <= Math.max(...ages) / 2,
      0.05,
      'They were left open one after another, not all at once.',
    ),
  ];
}

function isForgetful(holder: Holder, { unused }: CauseInput): boolean {
  const forgotten = outButIdle(holder);
  if (forgotten < leastAlike || unused < leastAlike) return false;
  // The pool's own idle members are not the forgotten ones, where it tells how many it keeps.
  const kept = holder.checkedIn ?? 0;
  return forgotten >= (holder.checkedOut ?? 0) / 2 && holder.idle - kept >= leastAlike;
}

function fromPool(holder: Holder): Indicator[] {
  return [
    {
      weight: 0.5,
      sentence: `The pools of ${nameOf(holder)} report ${holder.checkedOut ?? 0} connections in use; PostgreSQL sees ${outButIdle(holder)} of them idle.`,
    },
  ];
}

function isBeyond({ holds, mayOpen }: Holder): boolean {
  return typeof mayOpen === 'number' && holds - mayOpen >= leastAlike;
}

function fromBudget(holder: Holder): Indicator[] {
  return [
    {
      // No more: a number of workers that was never configured looks the same.
      weight: 0.1,
      sentence: `${nameOf(holder)} holds ${holder.holds} connections, but its pools may open only ${holder.mayOpen ?? 0}.`,
    },
  ];
}

function inCommon(input: CauseInput): Indicator[] {
  const { atLimit, poolTimeouts, working, used, waitingLong, holders, lingering, evidence } = input;
  const [pool] = atLimit;
  const left = lingering + sum(holders.map(outButIdle));
  const growing =
    evidence.forecast.basis === 'recent-looks' && evidence.forecast.minutesUntilFull !== null;
  const growth = evidence.forecast.connectionsPerMinute ?? 0;
  return [
    ...indicator(
      pool !== undefined && working < (pool.checkedOut || 1) / 2,
      0.15,
      `A pool of ${pool?.service ?? ''} is exhausted while ${count(working, 'query runs', 'queries run')}.`,
    ),
    ...indicator(
      poolTimeouts > 0,
      0.05,
      `${count(poolTimeouts, 'request')} timed out waiting for a pool.`,
    ),
    ...indicator(growing, 0.1, `Connections grow by ${growth} per minute.`),
    ...indicator(
      used > 0 && working / used >= 0.6,
      -0.2,
      `${percent(working / Math.max(1, used))} of the sessions are active.`,
    ),
    ...indicator(waitingLong > left, -0.15, 'More sessions wait for locks than were left open.'),
  ];
}
