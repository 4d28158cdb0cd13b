import type { ReplicaReading } from '../../snapshot/snapshot.ts';
import type { OptionCPorts } from '../c-restart-service/ports.ts';
import type { Plan } from '../plan.ts';
import { countOutcomes } from '../report.ts';
import type { Item, Report } from '../report.ts';
import { findReplicas, hasNewProcess, leftBehind, replicasOf } from './restart-evidence.ts';
import type { ReplicaTarget } from '../targets/replica.ts';

/** After a crash: a process that began after the intent was restarted by us, or by somebody; an older one was not. */
export async function checkReplicas(
  ports: OptionCPorts,
  plan: Plan,
  since: string,
): Promise<Report> {
  const snapshot = await ports.takeSnapshot();
  const now = new Map(findReplicas(snapshot, plan).map((found) => [found.id, found]));
  const targets = replicasOf(plan.targets);
  const items = targets.map((target) => toItem(target, now.get(target.id), since));
  const old = targets
    .filter((_target, index) => hasNewProcess.has(items[index]?.outcome ?? 'unknown'))
    .map(({ id }) => ({ addresses: now.get(id)?.addresses ?? [], sentAtMs: Date.parse(since) }));
  const left = leftBehind(ports, { plan, snapshot, old });
  const down = items.filter(({ outcome }) => outcome === 'failed').length;
  return {
    items: [...items, ...left.items],
    summary: `A look afterwards: ${countOutcomes(items)}.${left.sentence}${down > 0 ? ' Start what is down by hand.' : ''}`,
    finished: false,
    ...(left.followUps.length > 0 && { followUps: [...left.followUps] }),
  };
}

function toItem(target: ReplicaTarget, now: ReplicaReading | undefined, since: string): Item {
  const what = target.name;
  if (now === undefined) {
    return { what, outcome: 'unknown', detail: 'It could not be seen.', lines: [] };
  }
  if (now.state !== 'running') {
    return { what, outcome: 'failed', detail: `Its state is ${now.state}.`, lines: [] };
  }
  const isNew = now.startedAt !== null && Date.parse(now.startedAt) >= Date.parse(since);
  return isNew
    ? { what, outcome: 'restarted', detail: `Its health is ${now.health}.`, lines: [] }
    : { what, outcome: 'not reached', detail: 'It runs since before.', lines: [] };
}
