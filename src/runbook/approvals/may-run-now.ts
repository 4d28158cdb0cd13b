import type { Clock } from '../../timing.ts';
import { canonicalJson } from '../remedies/plan.ts';
import type { RemedyRequest } from '../remedies/remedy-request.ts';
import { done, refuse } from '../remedies/remedy.ts';
import type { Answer } from '../remedies/remedy.ts';
import { count } from '../snapshot/words.ts';
import type { ApprovalDeps } from './context.ts';
import { readStop } from './emergency-stop.ts';
import type { Journal, Untrue } from './journal.ts';
import { tamperedAdvice } from './journal.ts';
import type { Neighbourhood } from './neighbours.ts';
import { readOptionPolicy } from './policy.ts';
import type { Policy } from './policy.ts';
import { refuseBusy, refuseStopped } from './refusals.ts';
import type { ApprovalRequest, RequestState } from './request.ts';

interface Ports {
  readonly neighbourhood?: (target: string) => Promise<Neighbourhood> | undefined;
  readonly journal: Pick<Journal, 'list'>;
}

/** Whether this target may be changed at all: of two that are the same database only one may. */
export async function mayChange(
  { neighbourhood }: Pick<Ports, 'neighbourhood'>,
  target: string,
): Promise<Answer<null>> {
  return (await neighbourhood?.(target))?.mayChange ?? done(null);
}

/** Containers of one project may belong to several targets, whatever servers those are on. */
function isAboutContainers({ kind }: RemedyRequest): boolean {
  return kind === 'restart' || kind === 'resize-pool';
}

type Near = Pick<Neighbourhood, 'onServer' | 'inProject'>;

async function readNear(
  { neighbourhood }: Pick<Ports, 'neighbourhood'>,
  target: string,
): Promise<Near> {
  return (await neighbourhood?.(target)) ?? { onServer: [target], inProject: [target] };
}

/**
 * Whether this request may have its server, and its containers, for itself, while others are in one of these states.
 * Asked once more after it is recorded as executing: of two that begin at once each sees the other then, and neither runs.
 */
export async function mayLock(
  ports: Ports,
  { id, target, ask }: ApprovalRequest,
  states: readonly RequestState[],
): Promise<Answer<null>> {
  const allowed = await mayChange(ports, target);
  if (!allowed.ok) return allowed;
  const { onServer, inProject } = await readNear(ports, target);
  const running = await ports.journal.list(states);
  const other = running.find(
    (found) =>
      found.id !== id &&
      (onServer.includes(found.target) ||
        (isAboutContainers(ask) &&
          isAboutContainers(found.ask) &&
          inProject.includes(found.target))),
  );
  if (other === undefined) return done(null);
  if (other.target === target) return refuseBusy();
  const which = onServer.includes(other.target)
    ? 'is on the same server'
    : 'has the same containers';
  const why = `A change is running on ${other.target}, which ${which}.`;
  return refuse('busy', why, 'Approve again when that one is done. Your approval was not counted.');
}

interface CooldownPorts {
  readonly journal: Pick<Journal, 'readRunsSince' | 'readAgeMs'>;
  readonly policy: Policy;
  readonly clock: Pick<Clock, 'now'>;
  readonly neighbourhood?: (target: string) => Promise<Neighbourhood> | undefined;
}

/** A zone that was set wrong is hours, never more than a day. */
const farthestSetMs = 24 * 3_600_000;

/** The last run of the same kind on the same thing, while the next one is still too early. */
interface Cooling {
  readonly ranAt: string;
  /** Until the next one may run. */
  readonly leftMs: number;
}

/**
 * Whether the same thing was done too short a time ago: a person who repeats it has not yet seen what it did. Taking a
 * change back never waits.
 */
export async function readCooling(
  ports: CooldownPorts,
  { option, target, ask, undoes }: ApprovalRequest,
): Promise<Cooling | undefined> {
  const { journal, policy, clock } = ports;
  const { cooldownMs } = readOptionPolicy(policy, option);
  if (cooldownMs === 0 || undoes !== null) return undefined;
  // A clock that was set forward meanwhile must not hide a run; how old each is, is read from the journal.
  const since = new Date(clock.now() - cooldownMs - farthestSetMs).toISOString();
  const thing = thingOf(ask);
  const { onServer, inProject } = await readNear(ports, target);
  const targets = isAboutContainers(ask) ? new Set([...onServer, ...inProject]) : new Set(onServer);
  const runs = await Promise.all(
    [...targets].map((name) => journal.readRunsSince({ target: name, option, since })),
  );
  let cooling: Cooling | undefined;
  for (const run of runs.flat()) {
    if (thingOf(run.ask) !== thing || run.result === null) continue;
    const leftMs = cooldownMs - (await readAge({ journal, clock }, run, run.result.endedAt));
    if (leftMs > (cooling?.leftMs ?? 0)) cooling = { ranAt: run.result.endedAt, leftMs };
  }
  return cooling;
}

/** Milliseconds since a run ended. */
export async function readAge(
  {
    journal,
    clock,
  }: Pick<CooldownPorts, 'clock'> & { readonly journal: Pick<Journal, 'readAgeMs'> },
  { id }: ApprovalRequest,
  endedAt: string,
): Promise<number> {
  const ageMs = await journal.readAgeMs(id, ['ran-by-hand', 'verifying', 'done']);
  return ageMs ?? Math.max(0, clock.now() - Date.parse(endedAt));
}

/** What an ask is about: another value for the same thing is the same thing, another service is not. */
function thingOf(ask: RemedyRequest): string {
  switch (ask.kind) {
    case 'idle-in-transaction':
    case 'idle':
      return canonicalJson([ask.kind, ask.application]);
    case 'restart':
    case 'resize-pool':
      return canonicalJson([ask.kind, ask.service]);
    case 'stop-session':
      return canonicalJson([ask.kind, ask.pid]);
    case 'rollback-prepared':
      return canonicalJson([ask.kind, ask.gid]);
    case 'set-timeout':
      return canonicalJson([ask.kind, ask.setting, ask.role]);
    case 'limit-connections':
      return canonicalJson([ask.kind, ask.role]);
    default:
      return ask.kind;
  }
}

/** Whether the moment is right, no matter who asks: the record is true, and nothing is stopped, running, or only just done. */
export async function mayRunNow(
  ports: ApprovalDeps,
  request: ApprovalRequest,
): Promise<Answer<null>> {
  const truth = await mustBeTrue(ports, request.target);
  if (!truth.ok) return truth;
  const stop = await readStop(ports);
  if (stop !== undefined) return refuseStopped(stop);
  const free = await mayLock(ports, request, ['approved', 'executing']);
  if (!free.ok) return free;
  const cooling = await readCooling(ports, request);
  return cooling === undefined ? done(null) : refuseCooling(cooling);
}

function refuseCooling({ leftMs }: Cooling): ReturnType<typeof refuse> {
  const left =
    leftMs < 60_000
      ? count(Math.ceil(leftMs / 1000), 'second')
      : count(Math.ceil(leftMs / 60_000), 'minute');
  return refuse(
    'cooling-down',
    'The same change just ran here, and its effect is not known yet.',
    `Approve again in ${left}. Your approval was not counted.`,
  );
}

/**
 * Refuses what would rest on a record that dbconn did not write: one row that was written past the journal's entries
 * stops everything on its target.
 */
export async function mustBeTrue(
  { journal }: { readonly journal: Pick<Journal, 'findUntrue'> },
  target: string,
): Promise<Answer<null>> {
  const found = concerning(await journal.findUntrue(), target);
  return found === undefined ? done(null) : refuse('tampered', found.problem, tamperedAdvice);
}

export function concerning(untrue: readonly Untrue[], target: string): Untrue | undefined {
  return untrue.find((one) => one.target === null || one.target === target);
}
