import type { Blocker, BlockerSession } from '../d-stop-blockers/ports.ts';
import { toSteps } from './blocker-steps.ts';
import { blockersOf, toGuard } from './ports.ts';
import type { OptionDPorts } from './ports.ts';
import type { Interrupted, StepEntry } from '../remedy.ts';
import { countOutcomes, Item } from '../report.ts';
import type { Report } from '../report.ts';
import { isSameStatement } from './same-blocker.ts';
import { hasOpenStep, settledAfterMs } from '../settle.ts';
import type { BlockerTarget } from '../targets/blocker.ts';
import { count } from '../../snapshot/wording.ts';

const pollMs = 100;

/** What became of sessions whose stopping broke off: as recorded, else as a look finds them. Signals nobody. */
export async function recoverBlockers(
  ports: OptionDPorts,
  { plan, steps }: Interrupted,
): Promise<Report> {
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
  const summary = `A look found of ${count(items.length, 'session')}: ${countOutcomes(items)}. ${waiting}.`;
  return { items, summary, finished: false };
}

/** Waits until none of them is as it was, or no signal can be on its way to it any more. */
async function settle(
  ports: OptionDPorts,
  session: BlockerSession,
  targets: readonly BlockerTarget[],
): Promise<void> {
  const { clock } = ports;
  const deadline = clock.now() + settledAfterMs;
  const pids = targets.map(({ identity }) => identity.pid);
  while (clock.now() < deadline) {
    const found = await session.readBlockers(pids, toGuard(ports));
    const isAsItWas = ({ identity }: BlockerTarget): boolean =>
      found.some((now) => isSameStatement(now.identity, identity));
    if (!targets.some(isAsItWas)) return;
    await clock.sleep(pollMs);
  }
}

function judge(
  { identity }: BlockerTarget,
  entry: StepEntry | undefined,
  now: Blocker | undefined,
): readonly [Item['outcome'], string] {
  if (entry === undefined) return ['not reached', 'dbconn ended before it was signalled.'];
  const recorded = Item.shape.outcome.safeParse(entry.facts?.['outcome']);
  if (entry.kind === 'done' && recorded.success) {
    return [recorded.data, 'So it was recorded before dbconn ended.'];
  }
  if (now === undefined) return ['unknown', 'It is gone; by whose hand is not known.'];
  return isSameStatement(now.identity, identity)
    ? ['still there', 'A look found it alive and as it was.']
    : ['unknown', 'It lives and does something else; whether that was the signal is not known.'];
}
