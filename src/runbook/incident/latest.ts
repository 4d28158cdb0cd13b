import type { Diagnosis } from '../diagnose/diagnosis.ts';

/** The latest diagnosis of each target that has an incident; hundreds of healthy ones would fill the memory. */
export interface Latest {
  keep(diagnosis: Diagnosis): void;
  of(target: string): Diagnosis | null;
  forgetAllBut(targets: ReadonlySet<string>): void;
}

export function createLatest(): Latest {
  const kept = new Map<string, Diagnosis>();
  return {
    keep: (diagnosis) => void kept.set(diagnosis.target, diagnosis),
    of: (target) => kept.get(target) ?? null,
    forgetAllBut(targets) {
      for (const target of kept.keys()) if (!targets.has(target)) kept.delete(target);
    },
  };
}
