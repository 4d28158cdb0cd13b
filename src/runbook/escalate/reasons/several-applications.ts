import type { Diagnosis } from '../../diagnose/diagnosis.ts';
import { list } from '../../snapshot/words.ts';
import type { JudgeReason } from './case.ts';

/** Less than a tenth of the slots is what a job beside the application holds. */
const shareOf = 0.1;
/** Log lines of people who got no connection, in the words of the application, the pooler and PostgreSQL. */
const refusals: ReadonlySet<string> = new Set([
  'slots-full',
  'slots-reserved',
  'role-or-database-limit',
  'pool-timeout',
  'pooler-login',
  'pooler-limit',
  'pooler-query-wait',
]);
/** The first refusals come before anybody opens an incident. */
const beforeMs = 5 * 60_000;
const mostNames = 10;

/** "Multiple applications affected": two or more configured services are refused, or wait. */
export const judgeSeveralApplications: JudgeReason = ({ diagnosis, sinceMs, isInTrouble }) => {
  if (diagnosis === null || !isInTrouble) return null;
  const configured = diagnosis.budget.lines.map(({ service }) => service);
  const refusedInLogs = refusedServices(diagnosis, sinceMs - beforeMs);
  const holding = largeHolders(diagnosis);
  const isFull = diagnosis.capacity?.free === 0 || diagnosis.reach.error?.kind === 'full';
  const waiting = waitingServices(diagnosis);
  const affected = configured.filter(
    (name) => refusedInLogs.has(name) || (holding.has(name) && (isFull || waiting.has(name))),
  );
  if (affected.length < 2) return null;
  const names = list(affected.slice(0, mostNames));
  return `${affected.length} services are refused connections or wait: ${names}.`;
};

function refusedServices({ logs }: Diagnosis, fromMs: number): ReadonlySet<string> {
  const recent = logs.filter(({ classes }) =>
    classes.some(
      ({ class: name, count, lastAt }) =>
        refusals.has(name) && count > 0 && (lastAt === null || Date.parse(lastAt) >= fromMs),
    ),
  );
  return new Set(recent.map(({ service }) => service));
}

function largeHolders({ holders, capacity }: Diagnosis): ReadonlySet<string> {
  const least = capacity === null ? Infinity : capacity.usable * shareOf;
  return new Set(
    holders.flatMap(({ service, total }) => (service !== null && total >= least ? [service] : [])),
  );
}

/** Whose sessions wait for a lock, told by the client or the application they come from. */
function waitingServices({ blocking, sessions, sources }: Diagnosis): ReadonlySet<string> {
  const pids = new Set(blocking.waiters.map(({ pid }) => pid));
  const names = sessions
    .filter(({ pid }) => pids.has(pid))
    .flatMap(({ application, client }) => {
      const source = sources.find(
        (one) => one.application === application && one.client === client,
      );
      return source === undefined || source.service === null ? [] : [source.service];
    });
  return new Set(names);
}
