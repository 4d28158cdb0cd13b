import { z } from 'zod';
import { poolReadings } from '../../diagnose/summarise.ts';
import type { LogClass, ServiceLogs, Snapshot } from '../../snapshot/snapshot.ts';
import { count } from '../../snapshot/words.ts';
import type { Outcome } from './outcome.ts';

/** The fullest pool of a service, by its own gauge. */
const PoolGauge = z.strictObject({
  service: z.string(),
  checkedOut: z.number(),
  limit: z.number(),
});
type PoolGauge = z.infer<typeof PoolGauge>;

/** What others than the slots saw of the trouble before a change. */
export const Witnesses = z.strictObject({
  pools: z.array(PoolGauge),
  /** Sessions that wait for a lock; null where the database could not be read. */
  waits: z.number().int().nullable(),
});
export type Witnesses = z.infer<typeof Witnesses>;

/** The witnesses at one look after a change. */
export interface Observation extends Witnesses {
  /** Services whose requests were refused a connection, and when last, by their logs. */
  readonly refusals: readonly { readonly service: string; readonly at: string }[];
}

/** A stored request does not grow with the number of services. */
const poolsKept = 20;
/** What an application, a pooler or PostgreSQL writes when a request does not get a connection. */
const refusals: ReadonlySet<LogClass> = new Set<LogClass>([
  'pool-timeout',
  'slots-full',
  'slots-reserved',
  'pooler-login',
  'pooler-limit',
  'pooler-query-wait',
]);

export function readWitnesses({ pools, database }: Snapshot): Witnesses {
  const gauges = poolReadings(pools).flatMap(({ service, checkedOut, limit }): PoolGauge[] =>
    typeof limit === 'number' && limit > 0 ? [{ service, checkedOut, limit }] : [],
  );
  const fullest = [...Map.groupBy(gauges, ({ service }) => service).values()].map((group) =>
    group.reduce((most, next) => (share(next) > share(most) ? next : most)),
  );
  return {
    pools: fullest.toSorted((a, b) => share(b) - share(a)).slice(0, poolsKept),
    waits: database.reading?.locks.waitersTotal ?? null,
  };
}

export function readObservation(snapshot: Snapshot): Observation {
  const logs = snapshot.logs.ok ? snapshot.logs.value : [];
  return { ...readWitnesses(snapshot), refusals: logs.flatMap(readRefusals) };
}

function readRefusals({ service, classes }: ServiceLogs): Observation['refusals'] {
  return classes.flatMap(({ class: name, lastAt }) =>
    refusals.has(name) && lastAt !== null ? [{ service, at: lastAt }] : [],
  );
}

interface WitnessEvidence {
  readonly before: Witnesses;
  /** The checks since the change, in order. */
  readonly checks: readonly Observation[];
  /** From here on a refused request is one of the time after the change: others gave up late on what was before. */
  readonly settledAt: string;
  /** The service whose pools the change is for: option C and E. */
  readonly service: string | null;
  /** Below the warning line at the last look. */
  readonly hasRoom: boolean;
}

/**
 * What came of a change by every witness that can see it. Free slots alone are not enough while a pool has all its
 * connections out, requests are refused, or more sessions than before wait for locks; and what option C and E are for is
 * well when the pool of their service has connections to give again, however many slots it holds.
 */
export function applyWitnesses(outcome: Outcome, evidence: WitnessEvidence): Outcome {
  const { before, checks, service, hasRoom } = evidence;
  const last = checks.at(-1);
  if (last === undefined) return outcome;
  const bad = [...usedUp(checks), ...refused(last, evidence.settledAt), ...waiting(before, last)];
  const recovered = recoveredPools(before, last);
  const isForPool = recovered.some((gauge) => gauge.service === service);
  const told = [outcome.sentence, ...recovered.map((gauge) => tellRecovered(gauge, before))];
  if (bad.length === 0) {
    const word = isForPool && hasRoom ? 'fixed' : outcome.word;
    return { ...outcome, word, sentence: told.join(' ') };
  }
  const word = outcome.word === 'fixed' ? 'partly' : outcome.word;
  const lead = hasFreed(outcome) ? 'Slots freed, but' : 'Not fully fixed:';
  return { ...outcome, word, sentence: [...told, `${lead} ${bad.join('; ')}.`].join(' ') };
}

function hasFreed({ before, later }: Outcome): boolean {
  if (later === null || later === 'full' || before === null) return false;
  return before === 'full' || later.used < before.used;
}

/** Used up at this look and the one before it: a pool at work is so for a moment, too. */
function usedUp(checks: readonly Observation[]): string[] {
  const [last, previous = last] = checks.toReversed();
  const isOut = (gauge: PoolGauge): boolean => share(gauge) >= 1;
  const usedUpBefore = new Set(previous?.pools.filter(isOut).map(({ service }) => service));
  return (last?.pools ?? [])
    .filter((gauge) => isOut(gauge) && usedUpBefore.has(gauge.service))
    .map(
      ({ service, checkedOut, limit }) =>
        `${service} still has ${checkedOut} of ${limit} connections checked out`,
    );
}

function refused({ refusals: found }: Observation, settledAt: string): string[] {
  const settled = Date.parse(settledAt);
  const services = found.filter(({ at }) => Date.parse(at) > settled).map(({ service }) => service);
  return [...new Set(services)].map(
    (service) => `some requests of ${service} are still refused a connection`,
  );
}

/** Two come and go between any two checks. */
const noise = 2;

function waiting(before: Witnesses, { waits }: Observation): string[] {
  if (before.waits === null || waits === null || waits <= before.waits + noise) return [];
  return [`${count(waits, 'session waits', 'sessions wait')} for locks, ${before.waits} before`];
}

function recoveredPools(before: Witnesses, { pools }: Observation): PoolGauge[] {
  const out = before.pools.filter((gauge) => share(gauge) >= 1).map(({ service }) => service);
  return pools.filter((gauge) => out.includes(gauge.service) && share(gauge) < 1);
}

function tellRecovered({ service, checkedOut, limit }: PoolGauge, { pools }: Witnesses): string {
  const then = pools.find((gauge) => gauge.service === service);
  return `${service} has ${checkedOut} of ${limit} connections checked out, ${then?.checkedOut ?? 0} before.`;
}

function share({ checkedOut, limit }: PoolGauge): number {
  return checkedOut / limit;
}
