import type { Change } from '../snapshot/readings.ts';
import type { ReplicaReading, ServiceReading, Snapshot } from '../snapshot/snapshot.ts';

/** What a service was at a check. */
interface Mark {
  readonly image: string | null;
  readonly replicas: number;
  /** Of the newest container; the others may not have been replaced yet. */
  readonly variables: Readonly<Record<string, string>> | undefined;
  readonly starts: readonly string[];
}

const oldestMs = 60 * 60_000;
const mostChanges = 20;
const mostNames = 20;

/**
 * What changed around one target in the last hour, by comparing the containers of each check with those of the checks
 * before: images, values of environment variables (by name only), numbers of replicas and starts.
 */
export class ChangeMemory {
  #marks: ReadonlyMap<string, Mark> = new Map();
  #changes: readonly Change[] = [];

  /** The look with what changed until then, and without the hashes of values, which nothing else needs. */
  note(snapshot: Snapshot): Snapshot {
    const { services: part, takenAt } = snapshot;
    if (!part.ok) return { ...snapshot, ...this.#recent(takenAt) };
    for (const service of part.value.services) this.#compare(service, takenAt);
    const services = part.value.services.map(withoutHashes);
    return {
      ...snapshot,
      services: { ...part, value: { ...part.value, services } },
      ...this.#recent(takenAt),
    };
  }

  #recent(takenAt: string): Pick<Snapshot, 'changes'> {
    const now = Date.parse(takenAt);
    this.#changes = this.#changes.filter(({ at }) => now - Date.parse(at) <= oldestMs);
    return this.#changes.length === 0 ? {} : { changes: this.#changes };
  }

  #compare({ name, replicas, problem }: ServiceReading, takenAt: string): void {
    const running = replicas.filter(({ state }) => state === 'running');
    // What could not be read did not change, and what is down is a finding of its own.
    if (problem !== undefined || running.length === 0) return;
    const before = this.#marks.get(name);
    const mark = toMark(running, before);
    this.#marks = new Map([...this.#marks, [name, mark]]);
    if (before === undefined) return;
    const found = differences(before, mark).map((what) => ({
      service: name,
      at: takenAt,
      ...what,
    }));
    this.#changes = [...this.#changes, ...found].slice(-mostChanges);
  }
}

function toMark(running: readonly ReplicaReading[], before: Mark | undefined): Mark {
  const newest = running
    .toSorted((a, b) => (a.startedAt ?? '').localeCompare(b.startedAt ?? ''))
    .at(-1);
  return {
    image: newest?.imageId ?? null,
    replicas: running.length,
    // A sparing check reads no containers: then those of the check before are still the ones.
    variables: newest?.variables ?? before?.variables,
    starts: running.flatMap(({ startedAt }) => startedAt ?? []),
  };
}

type Difference = Omit<Change, 'service' | 'at'>;

function differences(before: Mark, now: Mark): Difference[] {
  const names = changedNames(before.variables, now.variables);
  const started = now.starts.filter((start) => !before.starts.includes(start)).length;
  return [
    ...(before.image !== null && now.image !== null && before.image !== now.image
      ? [{ kind: 'image' as const, from: before.image, to: now.image }]
      : []),
    ...(names.length > 0 ? [{ kind: 'variables' as const, names }] : []),
    ...(before.replicas === now.replicas
      ? []
      : [{ kind: 'replicas' as const, from: String(before.replicas), to: String(now.replicas) }]),
    ...(started > 0 ? [{ kind: 'started' as const, to: String(started) }] : []),
  ];
}

function changedNames(before: Mark['variables'], now: Mark['variables']): string[] {
  if (before === undefined || now === undefined) return [];
  const names = new Set([...Object.keys(before), ...Object.keys(now)]);
  return [...names]
    .filter((name) => before[name] !== now[name])
    .sort()
    .slice(0, mostNames);
}

function withoutHashes(service: ServiceReading): ServiceReading {
  const replicas = service.replicas.map(({ variables: _dropped, ...replica }) => replica);
  return { ...service, replicas };
}

/** Old and new replicas of one service that run at once. */
export interface Overlap {
  readonly service: string;
  readonly older: readonly ReplicaReading[];
  readonly newer: readonly ReplicaReading[];
  /** Whether their images or names prove it; two sets of starts may be a deploy or somebody who scaled up. */
  readonly certain: boolean;
}

/** Whether old and new replicas are there at once for certain: what they hold together passes with the deploy. */
export function isDeploying(overlaps: readonly Overlap[]): boolean {
  return overlaps.some(({ certain }) => certain);
}

/** A container that began so much later than the others was not started with them. */
const apartMs = 60_000;
/** A deploy that is older has ended, or hangs; then an image or a name has to say so. */
const freshMs = 15 * 60_000;

/**
 * Services of which two generations run: containers of different images, or with names outside of Compose's numbering
 * (which gives all replicas of a service one name and a number each), or, less certain, some that began minutes after
 * the others within the last quarter of an hour.
 */
export function findOverlaps(services: readonly ServiceReading[], takenAt: string): Overlap[] {
  return services.flatMap(({ name, replicas }) => {
    const running = replicas.filter(({ state }) => state === 'running');
    const [newest, ...older] =
      split(running, ({ imageId }) => imageId ?? undefined) ?? split(running, prefixOf) ?? [];
    if (newest !== undefined)
      return [{ service: name, older: older.flat(), newer: newest, certain: true }];
    return byStart(name, running, Date.parse(takenAt));
  });
}

/** By what tells generations apart, the latest begun first; undefined where all are alike or some cannot be told. */
function split(
  replicas: readonly ReplicaReading[],
  mark: (replica: ReplicaReading) => string | undefined,
): (readonly ReplicaReading[])[] | undefined {
  if (replicas.some((replica) => mark(replica) === undefined)) return undefined;
  const groups = [...Map.groupBy(replicas, mark).values()];
  if (groups.length < 2) return undefined;
  return groups.toSorted((a, b) => lastBegun(b) - lastBegun(a));
}

function prefixOf({ name }: ReplicaReading): string {
  return name.replace(/[-_.]\d+$/, '');
}

function lastBegun(replicas: readonly ReplicaReading[]): number {
  return Math.max(...replicas.map(beganMs));
}

/** A restart begins again what was created long ago, so the creation counts where it is known. */
function beganMs({ createdAt, startedAt }: ReplicaReading): number {
  const began = createdAt ?? startedAt;
  return began === null ? 0 : Date.parse(began);
}

function byStart(service: string, running: readonly ReplicaReading[], nowMs: number): Overlap[] {
  if (running.some(({ createdAt, startedAt }) => (createdAt ?? startedAt) === null)) return [];
  const ordered = running.toSorted((a, b) => beganMs(a) - beganMs(b));
  const at = ordered.findIndex((one, index) => {
    const before = ordered[index - 1];
    return before !== undefined && beganMs(one) - beganMs(before) >= apartMs;
  });
  const newer = at === -1 ? [] : ordered.slice(at);
  const isFresh = newer.every((one) => nowMs - beganMs(one) <= freshMs);
  if (newer.length === 0 || !isFresh) return [];
  return [{ service, older: ordered.slice(0, at), newer, certain: false }];
}
