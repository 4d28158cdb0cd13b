import { analyseLocks } from '../../diagnose/locks.ts';
import {
  behind,
  findObstacles,
  readCandidatePids,
  whyNoObstacle,
} from '../../diagnose/obstacles.ts';
import type { Obstacle } from '../../diagnose/obstacles.ts';
import { whyBlockerSkipped, whyRootSkipped } from '../../diagnose/protected-sessions.ts';
import type { LockReading } from '../../snapshot/snapshot.ts';
import { count } from '../../snapshot/words.ts';
import type { BlockerTarget, PlanDraft, Skipped, WaiterIdentity } from '../plan.ts';
import { PrivilegedUnavailable, done, refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';
import { draftStop, planSlow } from './draft.ts';
import type { Blocker, BlockerSession } from './ports.ts';
import { defaultReleaseWithinMs, toGuard, waitersToApprove } from './same-blocker.ts';
import type { OptionDPorts, StopRequest } from './same-blocker.ts';

/** More blockers at once than somebody can judge are not proposed in one plan. */
const mostBlockers = 10;

/** What to stop, read over one connection so that waits and sessions are of one moment. */
export async function planStop(ports: OptionDPorts, ask: StopRequest): Promise<Answer<PlanDraft>> {
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
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    const next = 'Restart the service (option C): that needs no connection to PostgreSQL.';
    return refuse('unreachable', error.message, next);
  }
}

async function planBlockers(
  ports: OptionDPorts,
  session: BlockerSession,
): Promise<Answer<PlanDraft>> {
  const reading = await session.readWaits();
  if (reading.waitersTotal === 0) {
    return refuse('nothing-to-do', 'No session waits for a lock.', 'Check with /dbconn blocking.');
  }
  const read = await session.readBlockers(readCandidatePids(reading), toGuard(ports));
  const blockers = new Map(read.map((one) => [one.identity.pid, one]));
  const obstacles = findObstacles(reading, (pid) => {
    const one = blockers.get(pid);
    return one !== undefined && whyRootSkipped(one) === null;
  });
  const known = await session.readWaiters(reading.waiters.map(({ pid }) => pid));
  const sorted = sort(obstacles, ports, {
    blockerOf: (pid) => blockers.get(pid),
    waitersOf: (obstacle) => waitersToApprove(reading, obstacle, known),
  });
  if (sorted.targets.length === 0) return refuseNothing(reading, sorted.skipped);
  const freed = behind(
    reading.waiters,
    sorted.targets.map(({ identity }) => identity.pid),
  );
  return done(
    draftStop({
      ...sorted,
      target: ports.target.name,
      ask: { kind: 'stop-blockers' },
      skipped: [...sorted.skipped, ...skipPrepared(reading)],
      waiters: freed.length,
      releaseWithinMs: ports.releaseWithinMs ?? defaultReleaseWithinMs,
    }),
  );
}

interface Sessions {
  readonly blockerOf: (pid: number) => Blocker | undefined;
  readonly waitersOf: (obstacle: Obstacle) => WaiterIdentity[];
}

interface Sorted {
  readonly targets: readonly BlockerTarget[];
  readonly skipped: readonly Skipped[];
}

function sort(
  obstacles: readonly Obstacle[],
  { target, mostBlockersOfPlan = mostBlockers }: OptionDPorts,
  { blockerOf, waitersOf }: Sessions,
): Sorted {
  const targets: BlockerTarget[] = [];
  const skipped: Skipped[] = [];
  for (const obstacle of obstacles) {
    const blocker = blockerOf(obstacle.pid);
    // It let go while we looked, or it is far down a list that is cut.
    if (blocker === undefined) continue;
    const waiters = waitersOf(obstacle);
    const reason =
      whyRootSkipped(blocker) ??
      whyNoObstacle(obstacle, target.limits.lockWaitMs) ??
      (waiters.length === 0 ? unseen : null);
    const { pid, application } = blocker.identity;
    const skip = (why: string): void => {
      skipped.push({ what: `pid ${pid}`, label: application, reason: why });
    };
    if (reason !== null) skip(reason);
    else if (targets.length === mostBlockersOfPlan)
      skip(`over the limit of ${mostBlockersOfPlan} per plan`);
    else targets.push(toTarget(blocker, { ...obstacle, waiters }));
  }
  return { targets, skipped };
}

function toTarget(
  blocker: Blocker,
  { queued, victims, waiters }: Pick<BlockerTarget, 'queued' | 'victims' | 'waiters'>,
): BlockerTarget {
  const { skipped: _skipped, process: _process, ...facts } = blocker;
  return {
    kind: 'blocker',
    ...facts,
    how: queued ? 'cancel' : howToStop(blocker),
    queued,
    victims,
    waiters,
  };
}

/** Only what runs can be cancelled: a session at rest ignores it, and so does one that hangs on its client. */
function howToStop({ identity, process }: Blocker): BlockerTarget['how'] {
  const { state } = identity;
  const runs = state === 'active' || state === 'fastpath function call';
  return runs && process !== 'slow client' ? 'cancel-then-terminate' : 'terminate';
}

/** Prepared transactions have no session to signal. Their gids are untrusted text. */
function skipPrepared(reading: LockReading): Skipped[] {
  return analyseLocks(reading).blocking.roots.flatMap((root) =>
    'prepared' in root
      ? [{ what: 'prepared transaction', label: root.prepared, reason: ownPlan }]
      : [],
  );
}

const unseen = 'its waiting sessions just ended, or dbconn cannot see them';

const ownPlan = 'it has no session and needs a rollback request of its own';

function refuseNothing(reading: LockReading, skipped: readonly Skipped[]): Answer<PlanDraft> {
  const { roots, cycles } = analyseLocks(reading).blocking;
  const waits = `${count(reading.waitersTotal, 'session')} ${reading.waitersTotal === 1 ? 'waits' : 'wait'}`;
  if (roots.some((root) => 'prepared' in root)) {
    const next = 'Let its transaction manager end it, or use /dbconn propose prepared GID.';
    return refuse('nothing-to-do', `${waits} for a prepared transaction: ${ownPlan}.`, next);
  }
  const reasons = [...new Set(skipped.map(({ reason }) => reason))];
  if (reasons.length > 0) {
    const why = `${waits}, and every blocker is skipped: ${reasons.join('; ')}.`;
    return refuse('nothing-to-do', why, 'Check with /dbconn blocking.');
  }
  if (cycles.length > 0) {
    const why = `${waits} in a deadlock. PostgreSQL resolves it after deadlock_timeout.`;
    return refuse('nothing-to-do', why, 'Check again with /dbconn blocking.');
  }
  return refuse(
    'nothing-to-do',
    `${waits}, but their blocker just finished.`,
    'Check again with /dbconn blocking.',
  );
}

async function planSession(
  ports: OptionDPorts,
  session: BlockerSession,
  ask: Extract<StopRequest, { kind: 'stop-session' }>,
): Promise<Answer<PlanDraft>> {
  const [blocker] = await session.readBlockers([ask.pid], toGuard(ports));
  if (blocker === undefined) {
    return refuse('nothing-to-do', `No session has pid ${ask.pid}.`, 'Check with /dbconn sources.');
  }
  const reason = whyBlockerSkipped(blocker);
  if (reason !== null) {
    return refuse(
      'skipped',
      `pid ${ask.pid} is skipped: ${reason}.`,
      'Check with /dbconn sources.',
    );
  }
  if (ask.how === 'cancel' && howToStop(blocker) === 'terminate') {
    const what = blocker.process === 'slow client' ? 'waits for its client' : 'runs nothing';
    const why = `pid ${ask.pid} ${what} now, so a cancel has no effect.`;
    return refuse('nothing-to-do', why, `To end its session: /dbconn kill ${ask.pid}`);
  }
  const waiters = behind((await session.readWaits()).waiters, [ask.pid]).length;
  const target = {
    ...toTarget(blocker, { queued: false, victims: waiters, waiters: [] }),
    how: ask.how,
  };
  return done(
    draftStop({
      target: ports.target.name,
      ask,
      targets: [target],
      skipped: [],
      waiters,
      releaseWithinMs: ports.releaseWithinMs ?? defaultReleaseWithinMs,
    }),
  );
}
