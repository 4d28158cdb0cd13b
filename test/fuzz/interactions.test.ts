import { expect, test } from 'vitest';
import { holdInteractions } from './interactions.ts';

test('presses, dialogs, events and commands that are mangled break nothing and decide nothing', async () => {
  await expect(holdInteractions(80)).resolves.toBeUndefined();
});
