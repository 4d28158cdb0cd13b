/** Milliseconds of one run of each candidate, interleaved so that a noisy moment hits all alike. */
export interface Candidate {
  readonly name: string;
  readonly run: () => Promise<void>;
}

export interface Timing {
  readonly name: string;
  readonly runs: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

export async function measure(
  candidates: readonly Candidate[],
  runs: number,
): Promise<readonly Timing[]> {
  const samples = new Map(candidates.map(({ name }) => [name, [] as number[]]));
  for (const { run } of candidates) await run(); // warms caches and connections
  for (let round = 0; round < runs; round += 1) {
    for (const { name, run } of candidates) {
      const began = performance.now();
      await run();
      samples.get(name)?.push(performance.now() - began);
    }
  }
  return candidates.map(({ name }) => toTiming(name, samples.get(name) ?? []));
}

export function toTiming(name: string, samples: readonly number[]): Timing {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
  return {
    name,
    runs: sorted.length,
    minMs: at(0),
    medianMs: at(0.5),
    p99Ms: at(0.99),
  };
}
