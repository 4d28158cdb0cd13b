import type { z } from 'zod';
import type { ReplicaReading, ServiceReading } from '../snapshot/snapshot.ts';
import type { PoolVariables } from '../snapshot/target.ts';
import { list, sum } from '../snapshot/words.ts';
import type { Budget, BudgetLine } from './diagnosis.ts';
import type { Evidence } from './evidence.ts';
import { moreOfPoolers } from './poolers.ts';

type Line = z.infer<typeof BudgetLine>;

/** Pools that may fill more than this leave people and jobs no room. */
export const plannedShare = 0.8;
/** The runbook's own proportion: 10 and 5. */
const baseShare = 2 / 3;

/** Pool numbers that suit a service, per process. */
export interface FittingPool {
  readonly line: Line;
  readonly processes: number;
  readonly to: { readonly poolSize: number; readonly maxOverflow: number };
}

/** The service that may open most. */
export function largestLine({ budget: { lines } }: Pick<Evidence, 'budget'>): Line | undefined {
  return lines.toSorted((a, b) => ceilingOf(b) - ceilingOf(a))[0];
}

/** The service whose pool is worn out, by its metrics or by its log. */
export function starvedLine({ budget, target, poolReadings, logs }: Evidence): Line | undefined {
  const pool = poolReadings.find(
    ({ utilisation }) => (utilisation ?? 0) >= target.limits.poolUtilisation,
  );
  const timedOut = logs.find((log) => log.classes.some((one) => one.class === 'pool-timeout'));
  const service = pool?.service ?? timedOut?.service;
  return budget.lines.find((one) => one.service === service);
}

/** What lets its pools fit beside what everybody else holds now; nothing where the server's size is not known. */
export function shrinkPool({ budget }: Evidence, line: Line | undefined): FittingPool[] {
  const { lines, usable, others } = budget;
  if (line === undefined || usable === null) return [];
  const elsewhere = sum(
    lines.filter((one) => one !== line).map((one) => Math.min(ceilingOf(one), one.holds ?? 0)),
  );
  const room = usable * plannedShare - (others ?? 0) - elsewhere;
  return [fit(line, Math.max(1, Math.floor(room / processesOf(line))))];
}

/** What gives its requests more, out of what is free; nothing where nothing can be given. */
export function enlargePool({ capacity, budget }: Evidence, line: Line | undefined): FittingPool[] {
  if (line === undefined || capacity === null || typeof line.mayOpen !== 'number') return [];
  const processes = processesOf(line);
  const now = Math.floor(line.mayOpen / processes);
  // Half of what is free stays free; twice the size shows soon enough whether that was the trouble.
  const each = Math.min(
    now * 2,
    now + Math.floor((capacity.free * 0.5) / processes),
    Math.floor((capacity.usable - mayOpenBeside(budget, line)) / processes),
  );
  return each > now ? [fit(line, each)] : [];
}

/**
 * Pool numbers with which all services together fit beside everybody else, for those that may open more than that;
 * `too-many` where one connection for each process is more already, null where too little is known to say.
 */
export function fitTogether({
  lines,
  usable,
  others,
  poolers = [],
}: Budget): FittingPool[] | 'too-many' | null {
  if (usable === null || lines.length === 0) return null;
  const known = lines.filter(({ mayOpen }) => mayOpen !== null);
  // A service whose numbers nobody knows keeps what it holds.
  const unknown = sum(lines.filter(({ mayOpen }) => mayOpen === null).map((one) => one.holds ?? 0));
  const taken = (others ?? 0) + unknown + moreOfPoolers({ poolers });
  const wishes = known.map((line) => ({ line, wish: wishOf(line), processes: processesOf(line) }));
  const isEndless = known.some(({ mayOpen }) => mayOpen === 'unlimited');
  if (!isEndless && sum(wishes.map(({ wish }) => wish)) + taken <= usable) return [];
  const room = Math.floor(usable * plannedShare) - taken;
  if (room < sum(known.map(processesOf))) return 'too-many';
  return share(wishes, room)
    .filter(({ line, wish, each, processes }) =>
      line.mayOpen === 'unlimited' ? true : each * processes < wish,
    )
    .map(({ line, each }) => fit(line, each));
}

interface Wish {
  readonly line: Line;
  readonly wish: number;
  readonly processes: number;
}

/** The runbook's own numbers, 5 and 10, where a pool has no ceiling. */
const wishOfEndless = 15;

function wishOf(line: Line): number {
  return typeof line.mayOpen === 'number' ? line.mayOpen : processesOf(line) * wishOfEndless;
}

/** In proportion to what each may open now. A service that would get less than one for each process gets that one first. */
function share(wishes: readonly Wish[], room: number): (Wish & { readonly each: number })[] {
  const total = sum(wishes.map(({ wish }) => wish));
  const portion = ({ wish, processes }: Wish): number => (room * wish) / total / processes;
  const poor = wishes.filter((one) => portion(one) < 1);
  if (poor.length === 0) {
    return wishes.map((one) => ({ ...one, each: Math.floor(portion(one)) }));
  }
  const rest = wishes.filter((one) => !poor.includes(one));
  const left = room - sum(poor.map(({ processes }) => processes));
  return [...poor.map((one) => ({ ...one, each: 1 })), ...share(rest, left)];
}

/** What all others may open: every other service's pools, and whatever is no configured service. */
export function mayOpenBeside({ lines, others, poolers = [] }: Budget, line: Line): number {
  const beside = sum(lines.filter((one) => one !== line).map(ceilingOf));
  return beside + (others ?? 0) + moreOfPoolers({ poolers });
}

export function processesOf({ replicas, workers }: Line): number {
  return Math.max(1, replicas * workers);
}

/** What its largest process may open by itself. */
export function largestProcess(line: Line): Line['mayOpen'] {
  const { workers, mixed = [line] } = line;
  const each = mixed.map(({ replicas, mayOpen }) =>
    typeof mayOpen === 'number' ? mayOpen / Math.max(1, replicas * workers) : mayOpen,
  );
  if (each.includes('unlimited')) return 'unlimited';
  const known = each.filter((one) => typeof one === 'number');
  return known.length === 0 ? null : Math.max(...known);
}

/** `10 + 5`, or `5 + 0 and 30 + 0` where its replicas differ; null where a number is not known. */
export function sizesOf(line: Line): string | null {
  const { mixed = [line] } = line;
  const known = mixed.every((one) => one.poolSize !== null && one.maxOverflow !== null);
  if (!known) return null;
  return list(
    mixed.map(({ poolSize, maxOverflow }) => `${poolSize ?? '?'} + ${maxOverflow ?? '?'}`),
  );
}

/** A number of its pools as a table shows it: `5, 30` where its replicas differ. */
export function inEach(line: Line, number: 'poolSize' | 'maxOverflow'): number | string | null {
  const { mixed } = line;
  return mixed === undefined
    ? line[number]
    : [...new Set(mixed.map((one) => one[number] ?? '?'))].join(', ');
}

function fit(line: Line, each: number): FittingPool {
  const poolSize = Math.max(1, Math.round(each * baseShare));
  return { line, processes: processesOf(line), to: { poolSize, maxOverflow: each - poolSize } };
}

function ceilingOf({ mayOpen, holds }: Line): number {
  return mayOpen === 'unlimited' ? Infinity : (mayOpen ?? holds ?? 0);
}

type Variable = keyof PoolVariables;

/** A service with what was read of its containers. */
interface ReadService extends Pick<ServiceReading, 'name' | 'fixedPool'> {
  readonly replicas: readonly Pick<ReplicaReading, 'poolVariables'>[];
}

/** The runbook's own names, for what a service has no variable of. */
const runbookVariables: Readonly<Record<Variable, string>> = {
  size: 'DATABASE_POOL_SIZE',
  overflow: 'DATABASE_MAX_OVERFLOW',
  timeout: 'DATABASE_POOL_TIMEOUT',
  recycle: 'DATABASE_POOL_RECYCLE',
  prePing: 'DATABASE_POOL_PRE_PING',
};

/** What a service's containers call one of their pool's settings. */
export function nameVariable(replicas: ReadService['replicas'], variable: Variable): string {
  const names = replicas.map(({ poolVariables }) => poolVariables?.[variable]);
  return names.find((name) => name !== undefined) ?? runbookVariables[variable];
}

/** The variables a pool's two numbers are set by; `overflow` null where the pool has none, or it is no variable. */
export function sizeVariables(
  services: readonly ReadService[],
  service: string,
): { readonly size: string; readonly overflow: string | null } {
  const replicas = services.find(({ name }) => name === service)?.replicas ?? [];
  const size = nameVariable(replicas, 'size');
  const read = variablesOf(services, service);
  const isFixed = read?.size !== undefined && read.overflow === undefined;
  return { size, overflow: isFixed ? null : nameVariable(replicas, 'overflow') };
}

/** `DATABASE_POOL_SIZE=4 and DATABASE_MAX_OVERFLOW=2`, by the names of that service. */
export function assignVariables(
  services: readonly ReadService[],
  { line: { service }, to }: Pick<FittingPool, 'line' | 'to'>,
): string {
  const { size, overflow } = sizeVariables(services, service);
  const first = `${size}=${to.poolSize}`;
  return overflow === null ? first : `${first} and ${overflow}=${to.maxOverflow}`;
}

/**
 * The same ceiling by the variables that can be set: where the overflow is none of them the size alone makes it up.
 * Nothing where that leaves no connection in the pool, or what it may open on top is not known.
 */
export function toSettable<T extends FittingPool>(
  services: readonly ReadService[],
  fitting: T,
): T | undefined {
  const { line, to } = fitting;
  const fixed = services.find(({ name }) => name === line.service)?.fixedPool;
  const isFixed = fixed?.overflow !== undefined && fixed.size === undefined;
  if (!isFixed && sizeVariables(services, line.service).overflow !== null) return fitting;
  const { maxOverflow } = line;
  if (maxOverflow === null || maxOverflow < 0) return undefined;
  const poolSize = to.poolSize + to.maxOverflow - maxOverflow;
  return poolSize < 1 ? undefined : { ...fitting, to: { poolSize, maxOverflow } };
}

/** Why a service's pool cannot be given these numbers from here, or null when nothing is known against it. */
export function whyFixed(
  services: readonly ReadService[],
  { line: { service, poolSize, maxOverflow }, to }: Pick<FittingPool, 'line' | 'to'>,
): string | null {
  const variables = variablesOf(services, service);
  if (variables !== undefined && variables.size === undefined) return hasNoVariable(service);
  const fixed = services.find(({ name }) => name === service)?.fixedPool;
  if (fixed?.size !== undefined && to.poolSize !== poolSize) return fixed.size;
  return to.maxOverflow === maxOverflow ? null : (fixed?.overflow ?? null);
}

export function hasNoVariable(service: string): string {
  return `dbconn knows no variable for the pool size of ${service}: name it in services[].variables.`;
}

/** Undefined where its containers' environment was not read. */
function variablesOf(services: readonly ReadService[], service: string): PoolVariables | undefined {
  const replicas = services.find(({ name }) => name === service)?.replicas ?? [];
  return replicas.find(({ poolVariables }) => poolVariables !== undefined)?.poolVariables;
}
