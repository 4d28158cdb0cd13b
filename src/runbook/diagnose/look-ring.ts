import type { Diagnosis } from './diagnosis.ts';

/** Used and usable slots of one look. */
export interface RecentLook {
  readonly at: string;
  readonly used: number;
  readonly usable: number;
}

/** An hour of one look a minute; a person's burst of looks in between does not grow it. */
const mostLooks = 60;
const oldestMs = 60 * 60_000;

/** The recent looks of one target, oldest first, bounded in number and age. */
export class LookRing {
  #looks: RecentLook[] = [];

  /** A look that did not see the capacity adds nothing. */
  add({ takenAt, capacity }: Pick<Diagnosis, 'takenAt' | 'capacity'>): void {
    if (capacity === null) return;
    const since = Date.parse(takenAt) - oldestMs;
    this.#looks = [
      ...this.#looks.filter(({ at }) => Date.parse(at) >= since),
      { at: takenAt, used: capacity.used, usable: capacity.usable },
    ].slice(-mostLooks);
  }

  entries(): readonly RecentLook[] {
    return this.#looks;
  }
}
