import type { Snapshot } from '../../snapshot/snapshot.ts';
import { count } from '../../snapshot/words.ts';
import type { Plan, ReplicaTarget } from '../plan.ts';
import type { Item, Report, RunControl } from '../remedy.ts';
import { countOutcomes } from '../remedy.ts';
import { awaitCalm, mayOpen, replicasOf, stopped } from '../replicas/service-replicas.ts';
import {
  addressesOf,
  countIn,
  findReplicas,
  hasNewProcess,
  leftBehind,
  serviceOf,
  whyChanged,
} from './evidence.ts';
import type { OldProcess } from './evidence.ts';
import type { OptionCPorts, RestartOutcome } from './ports.ts';

const words = {
  healthy: 'restarted',
  running: 'restarted',
  unhealthy: 'unhealthy',
  starting: 'unhealthy',
  'crash-loop': 'crash loop',
  exited: 'failed',
  'not-restarted': 'failed',
  unknown: 'unknown',
} as const satisfies Record<RestartOutcome['result'], Item['outcome']>;

const sentences: Readonly<Record<RestartOutcome['result'], string>> = {
  healthy: 'It was restarted and is healthy.',
  running: 'It was restarted and is running. It has no health check.',
  unhealthy: 'It was restarted and is unhealthy.',
  starting: 'It was restarted and was not healthy in time.',
  'crash-loop': 'It was restarted and keeps crashing.',
  exited: 'It is down.',
  'not-restarted': 'It was not restarted. The old process still runs.',
  unknown: 'Its state could not be read.',
};

interface RestartRun {
  readonly plan: Plan;
  readonly left: Plan['targets'];
  readonly control: RunControl;
}

/**
 * Restarts replica after replica, each healthy before the next. A replica that does not come up, a storm that
 * does not calm and an emergency stop end the row; what was not reached keeps running as it was.
 */
export async function runRestarts(ports: OptionCPorts, run: RestartRun): Promise<Report> {
  const replicas = replicasOf(run.left);
  const before = await ports.takeSnapshot();
  const items: Item[] = [];
  const old: OldProcess[] = [];
  let halted: string | undefined;
  for (const replica of replicas) {
    const step = replicasOf(run.plan.targets).findIndex(({ id }) => id === replica.id);
    const isFirst = items.every(({ outcome }) => outcome === 'moved on');
    // The first one frees slots, and needs no calm.
    const turn =
      halted ??
      (isFirst ? before : await awaitCalm(ports, run.control, nextOf(ports, run.plan, replica)));
    if (typeof turn === 'string' || (await run.control.isStopped())) {
      halted = typeof turn === 'string' ? turn : stopped;
      items.push({ what: replica.name, outcome: 'not reached', detail: `${halted}.`, lines: [] });
      continue;
    }
    const changed = whyMovedOn(turn, run.plan, replica);
    if (changed !== undefined) {
      items.push({
        what: replica.name,
        outcome: 'moved on',
        detail: `Skipped: ${changed}.`,
        lines: [],
      });
      continue;
    }
    const sentAtMs = ports.clock.now();
    const item = await restartOne(ports, run.control, { step, replica });
    items.push(item);
    if (hasNewProcess.has(item.outcome)) {
      old.push({ addresses: addressesOf(before, run.plan, replica.id), sentAtMs });
    }
    if (item.outcome !== 'restarted') halted = `${replica.name} did not come up`;
  }
  const after = await ports.takeSnapshot();
  const left = leftBehind(ports, { plan: run.plan, snapshot: after, old });
  const figures = inFigures(countIn(ports, run.plan, before), countIn(ports, run.plan, after));
  return {
    items: [...items, ...left.items],
    summary: `Of ${count(replicas.length, 'replica')}: ${countOutcomes(items)}.${figures}${left.sentence}`,
    finished: halted === undefined,
    ...(left.followUps.length > 0 && { followUps: [...left.followUps] }),
  };
}

/** Where Docker does not answer the look, the restart itself says what is there. */
function whyMovedOn(
  { services }: Snapshot,
  plan: Plan,
  replica: ReplicaTarget,
): string | undefined {
  const replicasNow = services.ok ? findReplicas({ services }, plan) : [];
  if (replicasNow.length === 0) return undefined;
  return whyChanged(
    replica,
    replicasNow.find(({ id }) => id === replica.id),
  );
}

interface Turn {
  readonly step: number;
  readonly replica: ReplicaTarget;
}

async function restartOne(
  ports: OptionCPorts,
  control: RunControl,
  { step, replica: { id, name } }: Turn,
): Promise<Item> {
  await control.intend({ step, sentence: `restart ${name}` });
  const { stopTimeoutSeconds, healthyWithinMs } = ports;
  const restarted = await ports.restarts.restartReplica(id, {
    stopTimeoutSeconds,
    healthyWithinMs,
  });
  const outcome = words[restarted.result];
  const { detail, lines } = explain(restarted);
  const killed =
    restarted.killed === true
      ? ` The old process did not end within ${stopTimeoutSeconds} s and was killed.`
      : '';
  await control.record({
    step,
    sentence: `${name}: ${outcome}${killed === '' ? '' : `.${killed}`}`,
  });
  return { what: name, outcome, detail: `${detail}${killed}`, lines };
}

function explain(restarted: RestartOutcome): Pick<Item, 'detail' | 'lines'> {
  const { result, exitCode, oomKilled, healthOutput, lastLogLines, problem } = restarted;
  if (result === 'healthy' || result === 'running') return { detail: sentences[result], lines: [] };
  const parts = [
    sentences[result],
    ...(exitCode === null ? [] : [`Its exit code is ${exitCode}.`]),
    ...(oomKilled ? ['It ran out of memory and was killed.'] : []),
    ...(problem === undefined ? [] : [problem.summary, problem.fix ?? '']),
  ];
  const output = healthOutput === null ? [] : [healthOutput];
  return { detail: parts.join(' ').trim(), lines: [...output, ...lastLogLines].slice(-11) };
}

function nextOf(
  ports: OptionCPorts,
  plan: Plan,
  replica: ReplicaTarget,
): Parameters<typeof awaitCalm>[2] {
  return (snapshot) => {
    const reading = findReplicas(snapshot, plan).find(({ id }) => id === replica.id);
    const service = serviceOf(ports, plan);
    const isKnown = reading !== undefined && service !== undefined;
    return { holds: replica.connections, mayOpen: isKnown ? mayOpen(service, reading) : null };
  };
}

function inFigures(before: number | null, after: number | null): string {
  return ` Its connections: ${before ?? 'unknown'} before, ${after ?? 'unknown'} after.`;
}
