import type { LockReading } from '../../diagnose/snapshot.ts';
import { analyseLocks } from '../../diagnose/locks.ts';
import type { Blocker, BlockerSession } from '../../ports/blockers.ts';
import { ActingUnavailable } from '../acting-unavailable.ts';
import { draftStop } from './blocker-plan.ts';
import { behind, findObstacles, readCandidatePids } from './find-blockers.ts';
import type { Obstacle } from './find-blockers.ts';
import { defaultReleaseWithinMs, toGuard } from './ports.ts';
import type { OptionDPorts, StopAsk } from './ports.ts';
import type { PlanDraft, Spared } from '../plan.ts';
import { planSlow } from './plan-slow.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';
import { sparedBlocker } from './spared-blocker.ts';
import type { BlockerTarget } from '../targets/blocker.ts';
import { count, duration } from '../wording.ts';

/** More blockers at once than somebody can judge are not proposed in one plan. */
export const mostBlockers = 10;

/** What to stop, read over one connection so that waits and sessions are of one moment. */
export async function planStop(ports: OptionDPorts, ask: StopAsk): Promise<Answer<PlanDraft>> {
  try {
    return await ports.blockers.act((session) => {
      switch (ask.kind) {
        case 'stop-blockers':
          return planBlockers(ports, session);
        case 'cancel-slow':
          return planSlow(ports, session, ask);
        default:
          return planSession(ports, session, ask);
      }
    });
  } catch (error) {
    if (!(error instanceof ActingUnavailable)) throw error;
    const next = 'Option C, restarting the service, needs no connection to PostgreSQL.';
    return refuse('unreachable', error.message, next);
  }
}

async function planBlockers(
  ports: OptionDPorts,
  session: BlockerSession,
): Promise<Answer<PlanDraft>> {
  const reading = await session.readWaits();
  if (reading.waitersTotal === 0) {
    return refuse('nothing-to-do', 'No session waits for a lock.', 'Look with /dbconn blocking.');
  }
  const read = await session.readBlockers(readCandidatePids(reading), toGuard(ports));
  const blockers = new Map(read.map((one) => [one.identity.pid, one]));
  const obstacles = findObstacles(reading, (pid) => {
    const one = blockers.get(pid);
    return one !== undefined && sparedBlocker(one) === null;
  });
  const sorted = sort(obstacles, blockers, ports.target.limits.lockWaitMs);
  if (sorted.targets.length === 0) return refuseNothing(reading, sorted.spared);
  const freed = behind(
    reading.waiters,
    sorted.targets.map(({ identity }) => identity.pid),
  );
  return done(
    draftStop({
      ...sorted,
      target: ports.target.name,
      ask: { kind: 'stop-blockers' },
      spared: [...sorted.spared, ...sparePrepared(reading)],
      waiters: freed.length,
      releaseWithinMs: ports.releaseWithinMs ?? defaultReleaseWithinMs,
    }),
  );
}

interface Sorted {
  readonly targets: readonly BlockerTarget[];
  readonly spared: readonly Spared[];
}

function sort(
  obstacles: readonly Obstacle[],
  blockers: ReadonlyMap<number, Blocker>,
  lockWaitMs: number,
): Sorted {
  const targets: BlockerTarget[] = [];
  const spared: Spared[] = [];
  for (const obstacle of obstacles) {
    const blocker = blockers.get(obstacle.pid);
    // It let go while we looked, or it is far down a list that is cut.
    if (blocker === undefined) continue;
    const reason = sparedBlocker(blocker) ?? spareObstacle(obstacle, lockWaitMs);
    const { pid, application } = blocker.identity;
    const spare = (why: string): void => {
      spared.push({ what: `pid ${pid}`, label: application, reason: why });
    };
    if (reason !== null) spare(reason);
    else if (targets.length === mostBlockers) spare(`beyond the first ${mostBlockers} of one plan`);
    else targets.push(toTarget(blocker, obstacle));
  }
  return { targets, spared };
}

function spareObstacle(
  { queued, victims, longestWaitSeconds }: Obstacle,
  lockWaitMs: number,
): string | null {
  if (queued) return null;
  if (victims === 0) return 'it holds up nobody once the queued statement is cancelled';
  return longestWaitSeconds * 1000 < lockWaitMs
    ? `nobody has waited for it for ${duration(lockWaitMs)} yet`
    : null;
}

function toTarget(
  blocker: Blocker,
  { queued, victims }: Pick<Obstacle, 'queued' | 'victims'>,
): BlockerTarget {
  const { spared: _spared, process: _process, ...facts } = blocker;
  const how = queued ? 'cancel' : runs(blocker) ? 'cancel-then-terminate' : 'terminate';
  return { kind: 'blocker', ...facts, how, queued, victims };
}

/** Only what runs can be cancelled; a session at rest ignores it. */
function runs({ identity: { state } }: Blocker): boolean {
  return state === 'active' || state === 'fastpath function call';
}

/** Prepared transactions have no session to signal. Their gids are untrusted text. */
function sparePrepared(reading: LockReading): Spared[] {
  return analyseLocks(reading).blocking.roots.flatMap((root) =>
    'prepared' in root
      ? [{ what: 'prepared transaction', label: root.prepared, reason: ownPlan }]
      : [],
  );
}

const ownPlan = 'it has no session; rolling it back is a plan of its own';

function refuseNothing(reading: LockReading, spared: readonly Spared[]): Answer<PlanDraft> {
  const { roots, cycles } = analyseLocks(reading).blocking;
  const waits = `${count(reading.waitersTotal, 'session')} ${reading.waitersTotal === 1 ? 'waits' : 'wait'}`;
  if (roots.some((root) => 'prepared' in root)) {
    const next = 'Its transaction manager knows how it ends; else /dbconn propose prepared GID.';
    return refuse('nothing-to-do', `${waits} for a prepared transaction: ${ownPlan}.`, next);
  }
  const reasons = [...new Set(spared.map(({ reason }) => reason))];
  if (reasons.length > 0) {
    const why = `${waits}, and each blocker is spared: ${reasons.join('; ')}.`;
    return refuse('nothing-to-do', why, 'Look with /dbconn blocking.');
  }
  if (cycles.length > 0) {
    const why = `${waits} in a deadlock, which PostgreSQL ends itself after deadlock_timeout.`;
    return refuse('nothing-to-do', why, 'Look again with /dbconn blocking.');
  }
  return refuse(
    'nothing-to-do',
    `${waits}, and who held them up has just let go.`,
    'Look again with /dbconn blocking.',
  );
}

async function planSession(
  ports: OptionDPorts,
  session: BlockerSession,
  ask: Extract<StopAsk, { kind: 'stop-session' }>,
): Promise<Answer<PlanDraft>> {
  const [blocker] = await session.readBlockers([ask.pid], toGuard(ports));
  if (blocker === undefined) {
    return refuse(
      'nothing-to-do',
      `There is no session with pid ${ask.pid}.`,
      'Look with /dbconn sources.',
    );
  }
  const reason = sparedBlocker(blocker);
  if (reason !== null) {
    return refuse('spared', `pid ${ask.pid} is spared: ${reason}.`, 'Look with /dbconn sources.');
  }
  if (ask.how === 'cancel' && !runs(blocker)) {
    const why = `pid ${ask.pid} runs nothing at this moment, and a cancel would do nothing.`;
    return refuse('nothing-to-do', why, `To end its session: /dbconn kill ${ask.pid}`);
  }
  const waiters = behind((await session.readWaits()).waiters, [ask.pid]).length;
  const target = { ...toTarget(blocker, { queued: false, victims: waiters }), how: ask.how };
  return done(
    draftStop({
      target: ports.target.name,
      ask,
      targets: [target],
      spared: [],
      waiters,
      releaseWithinMs: ports.releaseWithinMs ?? defaultReleaseWithinMs,
    }),
  );
}
