import type { Change } from './diagnosis.ts';
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
