import { expect, test } from 'vitest';
import { inputs, seed } from './inputs.ts';
import { holdInteractions } from './interactions.ts';

test(
  `presses, dialogs, events and commands that are mangled break nothing and decide nothing: ${inputs}, seed ${seed}`,
  { timeout: Math.max(120_000, inputs * 200) },
  async () => {
    await expect(holdInteractions(inputs)).resolves.toBeUndefined();
  },
);
