import { expect, test } from 'vitest';
import { inputs, seed } from './inputs.ts';
import { holdInteractions } from './interactions.ts';

/** Each goes by HTTP, a signature and Bolt to the journal and back: as many as of others would take minutes. */
const calls = inputs / 5;

test(
  `presses, dialogs, events and commands that are mangled break nothing and decide nothing: ${calls}, seed ${seed}`,
  { timeout: Math.max(120_000, calls * 200) },
  async () => {
    await expect(holdInteractions(calls)).resolves.toBeUndefined();
  },
);
