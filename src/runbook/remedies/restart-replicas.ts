import type { ReplicaReading, Snapshot } from '../diagnose/snapshot.ts';
import type { RestartOutcome } from '../ports.ts';
import type { OptionCPorts } from './option-c-restart-service.ts';
import type { Plan } from './plan.ts';
import type { ReplicaTarget } from './targets/replica.ts';
import type { RunControl } from './remedy.ts';
import { countOutcomes } from './report.ts';
import type { Item, Report } from './report.ts';
import { whyNotNow } from './restart-governor.ts';
import { countOfService, mayOpen } from './service-sessions.ts';
import { count } from './wording.ts';

const pollMs = 2000;

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
  running: 'It was restarted and stays up; it has no health check.',
  unhealthy: 'It was restarted and is unhealthy.',
  starting: 'It was restarted and was not healthy in time.',
  'crash-loop': 'It was restarted and ends again and again.',
  exited: 'It is down.',
  'not-restarted': 'It was not restarted; the old process still runs.',
  unknown: 'What became of it could not be read.',
};

export interface RestartRun {
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
  const before = await countNow(ports, run.plan);
  const items: Item[] = [];
  let halted: string | undefined;
  for (const replica of replicas) {
    const step = replicasOf(run.plan.targets).findIndex(({ id }) => id === replica.id);
    halted ??= await whyHalted(ports, run, { replica, isFirst: items.length === 0 });
    if (halted !== undefined) {
      items.push({ what: replica.name, outcome: 'not reached', detail: `${halted}.`, lines: [] });
      continue;
    }
    const item = await restartOne(ports, run.control, { step, replica });
    items.push(item);
    if (item.outcome !== 'restarted') halted = `${replica.name} did not come up`;
  }
  const after = await countNow(ports, run.plan);
  return {
    items,
    summary: `Of ${count(replicas.length, 'replica')}: ${countOutcomes(items)}.${inFigures(before, after)}`,
    finished: halted === undefined,
  };
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
  await control.record({ step, sentence: `${name}: ${outcome}` });
  return { what: name, outcome, ...explain(restarted) };
}

function explain(restarted: RestartOutcome): Pick<Item, 'detail' | 'lines'> {
  const { result, exitCode, oomKilled, healthOutput, lastLogLines, problem } = restarted;
  if (result === 'healthy' || result === 'running') return { detail: sentences[result], lines: [] };
  const parts = [
    sentences[result],
    ...(exitCode === null ? [] : [`Its exit code is ${exitCode}.`]),
    ...(oomKilled ? ['It was killed for lack of memory.'] : []),
    ...(problem === undefined ? [] : [problem.summary, problem.fix ?? '']),
  ];
  const output = healthOutput === null ? [] : [healthOutput];
  return { detail: parts.join(' ').trim(), lines: [...output, ...lastLogLines].slice(-11) };
}

interface Next {
  readonly replica: ReplicaTarget;
  readonly isFirst: boolean;
}

/** The first replica frees slots on a full server, so the governor rules only from the second on. */
async function whyHalted(
  ports: OptionCPorts,
  { plan, control }: RestartRun,
  { replica, isFirst }: Next,
): Promise<string | undefined> {
  if (await control.isStopped()) return 'All changes were stopped';
  if (isFirst) return undefined;
  const deadline = ports.clock.now() + ports.calmWithinMs;
  for (;;) {
    const why = whyNotYet(ports, { plan, replica, look: await ports.look() });
    if (why === undefined) return undefined;
    if (ports.clock.now() >= deadline) return `Held back to spare PostgreSQL: ${why}`;
    await ports.clock.sleep(pollMs);
    if (await control.isStopped()) return 'All changes were stopped';
  }
}

interface Moment {
  readonly plan: Plan;
  readonly replica: ReplicaTarget;
  readonly look: Snapshot;
}

function whyNotYet(ports: OptionCPorts, { plan, replica, look }: Moment): string | undefined {
  const reading = findReplicas(look, plan).find(({ id }) => id === replica.id);
  const service = serviceOf(ports, plan);
  const ceiling = reading === undefined || service === undefined ? null : mayOpen(service, reading);
  const next = { holds: replica.connections, mayOpen: ceiling };
  return whyNotNow(look, next, ports.clock.now());
}

/** After a crash: a process that began after the intent was restarted by us, or by somebody; an older one was not. */
export async function checkReplicas(
  ports: OptionCPorts,
  plan: Plan,
  since: string,
): Promise<Report> {
  const now = new Map(findReplicas(await ports.look(), plan).map((found) => [found.id, found]));
  const items = replicasOf(plan.targets).map((target) => toItem(target, now.get(target.id), since));
  const down = items.filter(({ outcome }) => outcome === 'failed').length;
  return {
    items,
    summary: `A look afterwards: ${countOutcomes(items)}.${down > 0 ? ' Start what is down by hand.' : ''}`,
    finished: false,
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

async function countNow(ports: OptionCPorts, plan: Plan): Promise<number | null> {
  const look = await ports.look();
  const service = serviceOf(ports, plan);
  if (service === undefined) return null;
  return countOfService(look.database.reading, service, findReplicas(look, plan));
}

function inFigures(before: number | null, after: number | null): string {
  return ` Its connections: ${before ?? 'unknown'} before, ${after ?? 'unknown'} after.`;
}

function serviceOf(
  { target }: OptionCPorts,
  { ask }: Plan,
): OptionCPorts['target']['services'][number] | undefined {
  return ask.kind === 'restart'
    ? target.services.find(({ name }) => name === ask.service)
    : undefined;
}

function findReplicas({ services }: Snapshot, { ask }: Plan): readonly ReplicaReading[] {
  if (!services.ok || ask.kind !== 'restart') return [];
  return services.value.services.find(({ name }) => name === ask.service)?.replicas ?? [];
}

function replicasOf(targets: Plan['targets']): ReplicaTarget[] {
  return targets.filter((target) => target.kind === 'replica');
}
