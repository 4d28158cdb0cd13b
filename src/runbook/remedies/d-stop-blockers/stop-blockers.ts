import { poll } from '../../../timing.ts';
import { whyBlockerSkipped } from '../../diagnose/protected-sessions.ts';
import type { LockReading } from '../../snapshot/snapshot.ts';
import { count } from '../../snapshot/words.ts';
import type { BlockerTarget, Plan, Skipped } from '../plan.ts';
import { Item, countOutcomes, hasOpenStep, settledAfterMs } from '../remedy.ts';
import type { Interrupted, Recheck, Remedy, Report, StepEntry } from '../remedy.ts';
import { toSteps } from './draft.ts';
import { planStop } from './plan.ts';
import type { Blocker, BlockerSession } from './ports.ts';
import { stopBlockers } from './run.ts';
import {
  blockersOf,
  isSameSession,
  isSameStatement,
  stillBlocks,
  toGuard,
  toStopRequest,
} from './same-blocker.ts';
import type { OptionDPorts } from './same-blocker.ts';

/** Approved sessions that are still at what they were and still in the way. Sessions that came since are not looked at. */
async function recheckBlockers(ports: OptionDPorts, plan: Plan): Promise<Recheck> {
  const targets = blockersOf(plan.targets);
  const pids = targets.map(({ identity }) => identity.pid);
  const [found, waits] = await ports.blockers.act(async (session) => {
    const blockers = await session.readBlockers(pids, toGuard(ports));
    return [blockers, await session.readWaits()] as const;
  });
  const named = plan.ask.kind !== 'stop-blockers';
  const left: BlockerTarget[] = [];
  const skipped: Skipped[] = [];
  for (const target of targets) {
    const { pid, application } = target.identity;
    const now = found.find(({ identity }) => identity.pid === pid);
    const reason =
      whyLeftAlone(target, now, plan.ask.kind === 'stop-session') ??
      (named ? null : whyNoBlocker(target, waits));
    if (reason === null) left.push(target);
    else skipped.push({ what: `pid ${pid}`, label: application, reason });
  }
  return { left, skipped };
}

function whyLeftAlone(
  { identity, how }: BlockerTarget,
  now: Blocker | undefined,
  named: boolean,
): string | null {
  if (now === undefined || !isSameSession(now.identity, identity)) return 'it is gone';
  const whatever = named && how === 'terminate';
  if (!whatever && !isSameStatement(now.identity, identity))
    return 'it is running something else now';
  return whyBlockerSkipped(now);
}

function whyNoBlocker(target: BlockerTarget, waits: LockReading): string | null {
  const { identity, queued } = target;
  if (queued && waits.waiters.every((waiter) => waiter.pid !== identity.pid)) {
    return 'it no longer waits';
  }
  return stillBlocks(target, waits) ? null : 'none of the planned sessions waits for it any more';
}

const pollMs = 100;

/** What became of sessions whose stopping broke off: as recorded, else as a look finds them. Signals nobody. */
async function recoverBlockers(ports: OptionDPorts, { plan, steps }: Interrupted): Promise<Report> {
  const targets = blockersOf(plan.targets);
  const pids = targets.map(({ identity }) => identity.pid);
  const [found, waits] = await ports.blockers.act(async (session) => {
    if (hasOpenStep(steps)) await settle(ports, session, targets);
    const blockers = await session.readBlockers(pids, toGuard(ports));
    return [blockers, await session.readWaits()] as const;
  });
  const planned = toSteps(targets);
  const items = targets.map((target): Item => {
    const entry = steps.findLast(({ step }) => planned[step]?.target === target);
    const now = found.find(({ identity }) => identity.startedAt === target.identity.startedAt);
    const [outcome, detail] = judge(target, entry, now);
    return { what: `pid ${target.identity.pid}`, outcome, detail, lines: [] };
  });
  const waiting = `${count(waits.waitersTotal, 'session')} ${waits.waitersTotal === 1 ? 'waits' : 'wait'} now`;
  const summary = `A check afterwards found of ${count(items.length, 'session')}: ${countOutcomes(items)}. ${waiting}.`;
  return { items, summary, finished: false };
}

/** Waits until none of them is as it was, or no signal can be on its way to it any more. */
async function settle(
  ports: OptionDPorts,
  session: BlockerSession,
  targets: readonly BlockerTarget[],
): Promise<void> {
  const pids = targets.map(({ identity }) => identity.pid);
  const polling = { everyMs: pollMs, withinMs: settledAfterMs, clock: ports.clock };
  await poll(polling, async (isOver) => {
    const found = await session.readBlockers(pids, toGuard(ports));
    const isAsItWas = ({ identity }: BlockerTarget): boolean =>
      found.some((now) => isSameStatement(now.identity, identity));
    return isOver() || !targets.some(isAsItWas) || undefined;
  });
}

function judge(
  { identity }: BlockerTarget,
  entry: StepEntry | undefined,
  now: Blocker | undefined,
): readonly [Item['outcome'], string] {
  if (entry === undefined) return ['not reached', 'dbconn stopped before the signal.'];
  const recorded = Item.shape.outcome.safeParse(entry.facts?.['outcome']);
  if (entry.kind === 'done' && recorded.success) {
    return [recorded.data, 'It was recorded before dbconn stopped.'];
  }
  if (now === undefined) return ['unknown', 'It is gone. Whether dbconn ended it is unknown.'];
  return isSameStatement(now.identity, identity)
    ? ['still there', 'A check found it unchanged.']
    : ['unknown', 'It is running something else. Whether the signal caused that is unknown.'];
}

/** Runbook option D: cancel, and where that cannot help terminate, what others wait for; or one session by its pid. */
export function createOptionD(ports: OptionDPorts): Remedy {
  return {
    option: 'D',
    target: ports.target.name,
    propose: (ask) => planStop(ports, toStopRequest(ask)),
    recheck: (plan) => recheckBlockers(ports, plan),
    run: (plan, left, control) =>
      ports.blockers.act((session) =>
        stopBlockers(session, { plan, left: blockersOf(left), ports, control }),
      ),
    recover: (interrupted) => recoverBlockers(ports, interrupted),
  };
}
