import type { Sample } from './parse-prometheus.ts';

interface Distinct {
  readonly samples: readonly Sample[];
  /** Names of series that were given twice with different values for one moment. */
  readonly contradicting: ReadonlySet<string>;
}

/**
 * Every series once. Prometheus's format wants each metric and label set to be unique; exporters that are registered
 * twice break that. Of several the newest by its timestamp counts, and without one the first, as Prometheus has it.
 */
export function dropRepeats(samples: readonly Sample[]): Distinct {
  const distinct = new Map<string, Sample>();
  const contradicting = new Set<string>();
  for (const sample of samples) {
    const key = toKey(sample);
    const known = distinct.get(key);
    if (known === undefined || isNewer(sample, known)) distinct.set(key, sample);
    else if (sample.at === known.at && !Object.is(sample.value, known.value)) {
      contradicting.add(sample.name);
    }
  }
  return { samples: [...distinct.values()], contradicting };
}

/** Labels have no order. */
function toKey({ name, labels }: Sample): string {
  return JSON.stringify([name, ...[...labels].toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}

function isNewer({ at }: Sample, known: Sample): boolean {
  return at !== undefined && known.at !== undefined && at > known.at;
}
