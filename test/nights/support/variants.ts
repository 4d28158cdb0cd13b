import { isOtherWays } from '../../support/breadth.ts';
import { createSeeded } from '../../../sandbox/patient/seeded.ts';
import type { Seeded } from '../../../sandbox/patient/seeded.ts';

/** What differs from night to night and must change no conclusion. */
export interface Variant {
  readonly seed: number;
  /** For counts and ages of the scene's own. */
  readonly seeded: Seeded;
  /** Three names that no code knows. */
  readonly applications: readonly [string, string, string];
  readonly user: string;
  readonly table: string;
}

const syllables = ['ka', 'lo', 'mi', 'ren', 'su', 'ta', 'vo', 'zen'] as const;

/** Three of each night: the same trouble with other names, users and counts. */
export const everyVariant: readonly Variant[] = [11, 22, 33].map((seed) => {
  const seeded = createSeeded(seed);
  const word = (): string =>
    Array.from({ length: 4 }, () => seeded.pick(syllables)).join('') + seeded.between(1, 9);
  return {
    seed,
    seeded,
    applications: [word(), word(), word()],
    user: `u_${word()}`,
    table: `t_${word()}`,
  };
});

/** The first with `npm test`, the others with `npm run test:all`. */
export const variants = isOtherWays ? everyVariant.slice(1) : everyVariant.slice(0, 1);
