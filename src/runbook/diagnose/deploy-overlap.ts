import type { ReplicaReading, ServiceReading } from '../snapshot/snapshot.ts';

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

/** A restart begins anew what was created long ago, so the creation counts where it is known. */
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
