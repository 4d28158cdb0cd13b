import type { LockReading } from '../../snapshot/snapshot.ts';
import type { Blocker } from '../d-stop-blockers/ports.ts';
import { stillBlocks } from './approved-waiters.ts';
import { blockersOf, toGuard } from './ports.ts';
import type { OptionDPorts } from './ports.ts';
import type { Plan, Skipped } from '../plan.ts';
import type { Recheck } from '../remedy.ts';
import { isSameSession, isSameStatement } from './same-blocker.ts';
import { whyBlockerSkipped } from './spared-blocker.ts';
import type { BlockerTarget } from '../targets/blocker.ts';

/** Approved sessions that are still at what they were and still in the way. Whoever came since is not looked at. */
export async function recheckBlockers(ports: OptionDPorts, plan: Plan): Promise<Recheck> {
  const targets = blockersOf(plan.targets);
  const pids = targets.map(({ identity }) => identity.pid);
  const [found, waits] = await ports.blockers.act(async (session) => {
    const blockers = await session.readBlockers(pids, toGuard(ports));
    return [blockers, await session.readWaits()] as const;
  });
  const named = plan.ask.kind !== 'stop-blockers';
  const left: BlockerTarget[] = [];
  const spared: Skipped[] = [];
  for (const target of targets) {
    const { pid, application } = target.identity;
    const now = found.find(({ identity }) => identity.pid === pid);
    const reason =
      whyLeftAlone(target, now, plan.ask.kind === 'stop-session') ??
      (named ? null : whyNoBlocker(target, waits));
    if (reason === null) left.push(target);
    else spared.push({ what: `pid ${pid}`, label: application, reason });
  }
  return { left, spared };
}

function whyLeftAlone(
  { identity, how }: BlockerTarget,
  now: Blocker | undefined,
  named: boolean,
): string | null {
  if (now === undefined || !isSameSession(now.identity, identity)) return 'it is gone';
  const whatever = named && how === 'terminate';
  if (!whatever && !isSameStatement(now.identity, identity)) return 'it does something else by now';
  return whyBlockerSkipped(now);
}

function whyNoBlocker(target: BlockerTarget, waits: LockReading): string | null {
  const { identity, queued } = target;
  if (queued && waits.waiters.every((waiter) => waiter.pid !== identity.pid)) {
    return 'it does not wait any more';
  }
  return stillBlocks(target, waits)
    ? null
    : 'none of the sessions that waited for it when it was planned still does';
}
