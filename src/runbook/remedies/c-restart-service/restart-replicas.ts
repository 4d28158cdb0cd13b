import type { Snapshot } from '../../snapshot/snapshot.ts';
import { count } from '../../snapshot/words.ts';
import type { Plan, ReplicaTarget } from '../plan.ts';
import type { Item, Report, RunControl } from '../remedy.ts';
import { countOutcomes } from '../remedy.ts';
import {
  awaitCalm,
  mayOpen,
  replicasOf,
  stopped,
  whyNotRunning,
} from '../replicas/service-replicas.ts';
import {
  addressesOf,
  countIn,
  findAdded,
  findReplicas,
  hasNewProcess,
  isGone,
  itemOfAdded,
  lastOne,
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

/** How far it came. */
interface Row {
  readonly before: Snapshot;
  readonly items: Item[];
  readonly old: OldProcess[];
  /** Replicas that run and were not approved, by id: their names. */
  readonly added: Map<string, string>;
  /** Why the row ended before its end. */
  halted: string | undefined;
}

/**
 * Restarts replica after replica, each healthy before the next. A replica that does not come up, a storm that
 * does not calm and an emergency stop end the row; what was not reached keeps running as it was. Replicas are counted
 * again after each restart: of what was scaled up or down meanwhile only what was approved is restarted.
 */
export async function runRestarts(ports: OptionCPorts, run: RestartRun): Promise<Report> {
  const replicas = replicasOf(run.left);
  const before = await ports.takeSnapshot();
  const row: Row = { before, items: [], old: [], added: new Map(), halted: undefined };
  tellAdded(run, row, before);
  for (const replica of replicas) row.items.push(await takeTurn(ports, run, { row, replica }));
  const after = await ports.takeSnapshot();
  tellAdded(run, row, after);
  const { items, old, added, halted } = row;
  const left = leftBehind(ports, { plan: run.plan, snapshot: after, old });
  const figures = inFigures(countIn(ports, run.plan, before), countIn(ports, run.plan, after));
  const more = added.size === 0 ? '' : ` ${count(added.size, 'new replica')} not restarted.`;
  return {
    items: [...items, ...[...added.values()].map(itemOfAdded), ...left.items],
    summary: `Of ${count(replicas.length, 'replica')}: ${countOutcomes(items)}.${more}${figures}${left.sentence}`,
    finished: halted === undefined,
    ...(left.followUps.length > 0 && { followUps: [...left.followUps] }),
  };
}

/** What became of the next replica of the plan. */
async function takeTurn(
  ports: OptionCPorts,
  run: RestartRun,
  { row, replica }: { readonly row: Row; readonly replica: ReplicaTarget },
): Promise<Item> {
  const { plan, control } = run;
  const { name } = replica;
  // The first one frees slots, and needs no calm.
  const isFirst = row.items.every(({ outcome }) => outcome === 'moved on');
  const turn =
    row.halted ??
    (isFirst ? row.before : await awaitCalm(ports, control, nextOf(ports, plan, replica)));
  if (typeof turn === 'string' || (await control.isStopped())) {
    row.halted = typeof turn === 'string' ? turn : stopped;
    return { what: name, outcome: 'not reached', detail: `${row.halted}.`, lines: [] };
  }
  tellAdded(run, row, turn);
  const changed = whyMovedOn(turn, plan, replica);
  if (changed !== undefined) {
    control.progress(`${name} is skipped: ${changed}`);
    return { what: name, outcome: 'moved on', detail: `Skipped: ${changed}.`, lines: [] };
  }
  const step = replicasOf(plan.targets).findIndex(({ id }) => id === replica.id);
  const sentAtMs = ports.clock.now();
  const item = await restartOne(ports, control, { step, replica });
  if (hasNewProcess.has(item.outcome)) {
    row.old.push({ addresses: addressesOf(row.before, plan, replica.id), sentAtMs });
  }
  if (item.outcome !== 'restarted') row.halted = `${name} did not come up`;
  return item;
}

/** Says each replica once that runs and is none of the plan's: it was scaled up or recreated since. */
function tellAdded({ plan, control }: RestartRun, { added }: Row, snapshot: Snapshot): void {
  for (const { id, name } of findAdded(snapshot, plan)) {
    if (added.has(id)) continue;
    added.set(id, name);
    control.progress(`${name} is new and was not approved, so it is not restarted`);
  }
}

/** Where Docker does not answer the look, the restart itself says what is there. */
function whyMovedOn(
  { services }: Snapshot,
  plan: Plan,
  replica: ReplicaTarget,
): string | undefined {
  if (!services.ok) return undefined;
  const replicasNow = findReplicas({ services }, plan);
  if (replicasNow.length === 0 && !isGone({ services }, plan)) return undefined;
  const running = replicasNow.filter((one) => whyNotRunning(one) === undefined);
  return (
    whyChanged(
      replica,
      replicasNow.find(({ id }) => id === replica.id),
    ) ?? (running.length === 1 && plan.targets.length > 1 ? lastOne : undefined)
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
  return {
    what: name,
    outcome,
    detail: `${detail}${killed}`,
    ...(killed !== '' && { killed: true }),
    lines,
  };
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
