import type { Evidence } from '../../diagnose/evidence.ts';
import {
  enlargePool,
  mayOpenBeside,
  processesOf,
  shrinkPool,
  sizeVariables,
  starvedLine,
  toSettable,
} from '../../diagnose/pool-sizes.ts';
import type { FittingPool } from '../../diagnose/pool-sizes.ts';
import { pressureOf } from '../../diagnose/summarise.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';
import type { PoolNumbers } from './ports.ts';
import { count } from '../../snapshot/words.ts';

export interface ChosenPool extends FittingPool {
  /** What its containers have now; null where that is not known. */
  readonly from: PoolNumbers | null;
  /** Whether all pools together could open more than the server has; null when that is not known. */
  readonly overBudget: boolean | null;
}

type RequestedSize = Extract<RemedyRequest, { kind: 'resize-pool' }>['size'];

/**
 * The numbers for one service: those asked for, else those the budget gives. Numbers that make the pools together
 * larger than the server are refused, for they are how the next night begins; smaller ones than now never are.
 */
export function choosePool(
  evidence: Evidence,
  service: string,
  size: RequestedSize,
): Answer<ChosenPool> {
  const line = evidence.budget.lines.find((one) => one.service === service);
  if (line === undefined) throw new Error(`The budget has no line for ${service}.`);
  const requested = size === undefined ? undefined : completeSize(evidence, line, size);
  if (requested?.ok === false) return requested;
  const fitting = requested?.value ?? proposeNumbers(evidence, line);
  if (fitting === undefined && evidence.budget.usable === null) {
    const why = 'PostgreSQL could not be checked, so dbconn cannot propose numbers.';
    return refuse('unknown-budget', why, 'Give two numbers, smaller than the current ones.');
  }
  if (fitting === undefined) {
    const why = `The pool of ${service} fits, and no request waits for it.`;
    return refuse('nothing-to-do', why, 'Give two numbers to change it anyway.');
  }
  const { poolSize, maxOverflow } = line;
  const from = poolSize === null || maxOverflow === null ? null : { poolSize, maxOverflow };
  const { to } = fitting;
  const agree = line.mixed === undefined;
  if (agree && from?.poolSize === to.poolSize && from.maxOverflow === to.maxOverflow) {
    const why = `The containers of ${service} already have ${poolSize} + ${maxOverflow}.`;
    return refuse('nothing-to-do', why, 'Check with /dbconn pool.');
  }
  const chosen = { ...fitting, from, overBudget: isOver(evidence, { line, numbers: to }) };
  const grows = from === null || opensMore(chosen, from);
  if (grows && chosen.overBudget !== false) return refuseGrowth(evidence, chosen);
  const unfit = refuseNow(evidence, chosen, grows);
  return unfit ?? done(chosen);
}

/** Whether the old numbers may come back: an undo that would be refused is not offered. */
export function mayComeBack(evidence: Evidence, { line, from }: ChosenPool): boolean {
  return (
    from !== null &&
    from.poolSize >= 1 &&
    from.maxOverflow >= 0 &&
    isOver(evidence, { line, numbers: from }) === false
  );
}

type Line = FittingPool['line'];

/** What was not asked for stays as it is, and what has no variable cannot change. */
function completeSize(
  { services }: Evidence,
  line: Line,
  { poolSize, maxOverflow = line.maxOverflow ?? undefined }: NonNullable<RequestedSize>,
): Answer<FittingPool> {
  const { service } = line;
  if (maxOverflow === undefined) {
    const why = `The overflow of the pool of ${service} is unknown.`;
    return refuse('unknown-overflow', why, 'Give both numbers, or set maxOverflow of the service.');
  }
  const isFixed = sizeVariables(services, service).overflow === null;
  if (isFixed && maxOverflow !== (line.maxOverflow ?? 0)) {
    const why = `The containers of ${service} have no variable for an overflow.`;
    return refuse('no-variable', why, 'Give one number: the size.');
  }
  return done({ line, processes: processesOf(line), to: { poolSize, maxOverflow } });
}

/** Short slots come first: a larger pool takes them from everybody. */
function proposeNumbers(evidence: Evidence, line: Line): FittingPool | undefined {
  const { budget, capacity, target } = evidence;
  const short = pressureOf(capacity, target.limits) !== 'none';
  const settable = (fittings: readonly FittingPool[]): FittingPool | undefined =>
    fittings.map((one) => toSettable(evidence.services, one))[0];
  if (!short && starvedLine(evidence) === line) return settable(enlargePool(evidence, line));
  if (!short && budget.canExhaust !== true) return undefined;
  const shrunk = settable(shrinkPool(evidence, line));
  const { mayOpen } = line;
  const smaller =
    shrunk !== undefined && ceilingOf(shrunk.to) * shrunk.processes < toNumber(mayOpen);
  return smaller ? shrunk : undefined;
}

/** What fits, and yet not at this moment. */
function refuseNow(
  { overlaps, capacity, target }: Evidence,
  { line: { service } }: ChosenPool,
  grows: boolean,
): Answer<never> | undefined {
  if (overlaps.some((one) => one.certain && one.service === service)) {
    const why = `A deploy of ${service} is still running: old and new replicas run at once.`;
    return refuse('deploy', why, 'Wait until it ends, or stop the old replicas. Then check again.');
  }
  if (!grows || pressureOf(capacity, target.limits) === 'none') return undefined;
  const why = `The server has ${count(capacity?.free ?? 0, 'free connection')}, too few for larger pools.`;
  return refuse('server-full', why, 'Choose smaller numbers, or free connections first.');
}

interface Trial {
  readonly line: Line;
  readonly numbers: PoolNumbers;
}

function isOver({ budget }: Evidence, { line, numbers }: Trial): boolean | null {
  const { usable } = budget;
  if (usable === null) return null;
  return mayOpenBeside(budget, line) + ceilingOf(numbers) * processesOf(line) > usable;
}

function refuseGrowth(
  evidence: Evidence,
  { line, to, processes, overBudget }: ChosenPool,
): Answer<never> {
  if (overBudget === null) {
    const why = 'PostgreSQL could not be checked, so whether larger pools fit is unknown.';
    return refuse('unknown-budget', why, 'Propose smaller numbers than the current ones.');
  }
  const { budget } = evidence;
  const own = ceilingOf(to) * processes;
  const beside = mayOpenBeside(budget, line);
  const others = Number.isFinite(beside) ? `the others ${beside}` : 'others have no limit';
  const sum = `${processes} x (${to.poolSize} + ${to.maxOverflow}) = ${own} for ${line.service}, ${others}`;
  return refuse(
    'over-budget',
    `All pools together could open more than ${budget.usable} usable connections: ${sum}.`,
    'Choose smaller numbers, or shrink another pool first.',
  );
}

/** Replicas that differ today are the same afterwards, so their sum decides. */
function opensMore({ line, to, processes }: ChosenPool, from: PoolNumbers): boolean {
  const { mayOpen } = line;
  return mayOpen === null
    ? ceilingOf(to) > ceilingOf(from)
    : ceilingOf(to) * processes > toNumber(mayOpen);
}

/** SQLAlchemy: an overflow below 0, and since 2.0 a size of 0, are no ceiling. */
function ceilingOf({ poolSize, maxOverflow }: PoolNumbers): number {
  return poolSize === 0 || maxOverflow < 0 ? Infinity : poolSize + maxOverflow;
}

function toNumber(mayOpen: Line['mayOpen']): number {
  return typeof mayOpen === 'number' ? mayOpen : Infinity;
}
