import type { ReplicaReading, SessionReading, Snapshot } from '../../snapshot/snapshot.ts';
import { count, durationOfMs } from '../../snapshot/words.ts';
import type { Plan, ReplicaTarget } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { countOutcomes } from '../remedy.ts';
import type { Item, Report } from '../remedy.ts';
import {
  countOfService,
  isOfService,
  whyNotRunning,
  replicasOf,
} from '../replicas/service-replicas.ts';
import type { OptionCPorts } from './ports.ts';

/** Why a replica of a plan is not any more what was approved. */
export function whyChanged(
  target: ReplicaTarget,
  now: ReplicaReading | undefined,
): string | undefined {
  if (now === undefined) return 'it is gone or could not be checked';
  if (now.startedAt === target.startedAt) return whyNotRunning(now);
  return now.startedAt === null
    ? (whyNotRunning(now) ?? 'it could not be checked')
    : 'it was restarted since the plan';
}

/** What was approved leaves the others up meanwhile. */
export const lastOne = 'it is the only replica still running';

/** A process that a restart has ended. */
export interface OldProcess {
  /** Its container's addresses. A new process may have the same, so age tells the two apart. */
  readonly addresses: readonly string[];
  /** When its end was asked for, by dbconn's clock. */
  readonly sentAtMs: number;
}

/** As many as a report can offer to end. */
const mostOffered = 5;

/**
 * The active sessions of old processes. Unless client_connection_check_interval is set, a backend notices that its
 * client is gone only when it next speaks to it: until then its query runs, and holds its slot and its locks.
 * The server tells ages and dbconn's clock tells spans, so that clocks which differ do no harm.
 */
function findOrphans(
  snapshot: Snapshot,
  isOfService: (session: SessionReading) => boolean,
  { old, nowMs }: { readonly old: readonly OldProcess[]; readonly nowMs: number },
): readonly SessionReading[] {
  const sessions = snapshot.database.reading?.sessions ?? [];
  const isOf = (session: SessionReading, { addresses, sentAtMs }: OldProcess): boolean => {
    const isTheirs =
      addresses.length === 0
        ? isOfService(session)
        : session.client !== null && addresses.includes(session.client);
    return isTheirs && session.connectionAgeSeconds * 1000 > nowMs - sentAtMs;
  };
  return sessions.filter(
    (session) =>
      session.state === 'active' && !session.own && old.some((process) => isOf(session, process)),
  );
}

/** How a report speaks of them, and what it offers. */
function reportOrphans(orphans: readonly SessionReading[]): {
  readonly items: readonly Item[];
  readonly followUps: readonly RemedyRequest[];
  readonly sentence: string;
} {
  const items = orphans.map(({ pid, queryAgeSeconds }): Item => {
    const age = queryAgeSeconds === null ? '' : ` for ${durationOfMs(queryAgeSeconds * 1000)}`;
    const detail = `Its query has been running${age}, but its process is gone.`;
    return { what: `pid ${pid}`, outcome: 'still there', detail, lines: [] };
  });
  const queries = count(orphans.length, 'query').replace(/querys$/, 'queries');
  const run = orphans.length === 1 ? 'runs' : 'run';
  return {
    items,
    followUps: orphans
      .slice(0, mostOffered)
      .map(({ pid }) => ({ kind: 'stop-session', pid, how: 'terminate' })),
    sentence: orphans.length === 0 ? '' : ` ${queries} of the old processes still ${run}.`,
  };
}

/** Outcomes after which the old process is gone. */
export const hasNewProcess: ReadonlySet<Item['outcome']> = new Set([
  'restarted',
  'unhealthy',
  'crash loop',
]);

interface Afterwards {
  readonly plan: Plan;
  readonly snapshot: Snapshot;
  readonly old: readonly OldProcess[];
}

/** What the old processes left running in PostgreSQL. */
export function leftBehind(
  ports: OptionCPorts,
  { plan, snapshot, old }: Afterwards,
): ReturnType<typeof reportOrphans> {
  const service = serviceOf(ports, plan);
  const nowMs = ports.clock.now();
  return reportOrphans(
    service === undefined
      ? []
      : findOrphans(snapshot, isOfService(snapshot, ports.target, service.name), { old, nowMs }),
  );
}

/** Where a replica of the plan was reached in that look. */
export function addressesOf(snapshot: Snapshot, plan: Plan, id: string): readonly string[] {
  return findReplicas(snapshot, plan).find((replica) => replica.id === id)?.addresses ?? [];
}

/** How many sessions the service had in that look; null when it cannot be told. */
export function countIn(ports: OptionCPorts, plan: Plan, snapshot: Snapshot): number | null {
  const service = serviceOf(ports, plan);
  if (service === undefined) return null;
  return countOfService(snapshot, ports.target, service.name);
}

/** The configured service the plan is about; undefined when it is configured no more. */
export function serviceOf(
  { target }: OptionCPorts,
  { ask }: Plan,
): OptionCPorts['target']['services'][number] | undefined {
  return ask.kind === 'restart'
    ? target.services.find(({ name }) => name === ask.service)
    : undefined;
}

/** The replicas of the plan’s service that a look saw. */
export function findReplicas(
  { services }: Pick<Snapshot, 'services'>,
  { ask }: Plan,
): readonly ReplicaReading[] {
  if (!services.ok || ask.kind !== 'restart') return [];
  return services.value.services.find(({ name }) => name === ask.service)?.replicas ?? [];
}

/** Whether Docker says that the service has no container any more, as after a scale to none. */
export function isGone({ services }: Pick<Snapshot, 'services'>, { ask }: Plan): boolean {
  if (!services.ok || ask.kind !== 'restart') return false;
  const found = services.value.services.find(({ name }) => name === ask.service);
  return found?.replicas.length === 0 && found.problem?.kind === 'missing';
}

/** Replicas of the service that run, and that the plan neither restarts nor skips: they came after it was made. */
export function findAdded(snapshot: Snapshot, plan: Plan): readonly ReplicaReading[] {
  const planned = new Set(replicasOf(plan.targets).map(({ id }) => id));
  const skipped = new Set(plan.skipped.map(({ what }) => what));
  return findReplicas(snapshot, plan).filter(
    (one) => !planned.has(one.id) && !skipped.has(one.name) && whyNotRunning(one) === undefined,
  );
}

export function itemOfAdded(what: string): Item {
  const detail = 'It came after the plan was made, so it was not restarted.';
  return { what, outcome: 'not reached', detail, lines: [] };
}

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
    items: [
      ...items,
      ...findAdded(snapshot, plan).map(({ name }) => itemOfAdded(name)),
      ...left.items,
    ],
    summary: `Checked afterwards: ${countOutcomes(items)}.${left.sentence}${down > 0 ? ' Start the stopped containers by hand.' : ''}`,
    finished: false,
    ...(left.followUps.length > 0 && { followUps: [...left.followUps] }),
  };
}

function toItem(target: ReplicaTarget, now: ReplicaReading | undefined, since: string): Item {
  const what = target.name;
  if (now === undefined) {
    return { what, outcome: 'unknown', detail: 'It could not be checked.', lines: [] };
  }
  if (now.state !== 'running') {
    return { what, outcome: 'failed', detail: `Its state is ${now.state}.`, lines: [] };
  }
  const isNew = now.startedAt !== null && Date.parse(now.startedAt) >= Date.parse(since);
  return isNew
    ? { what, outcome: 'restarted', detail: `Its health is ${now.health}.`, lines: [] }
    : { what, outcome: 'not reached', detail: 'It was not restarted.', lines: [] };
}
