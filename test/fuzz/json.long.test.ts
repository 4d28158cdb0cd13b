import { expect, test } from 'vitest';
import { holdAlerts } from './alerts.ts';
import { inputs, seed } from './inputs.ts';
import { holdRows } from './rows.ts';

const rows = Math.ceil(inputs / 10);
/** Of some 20 ms each. */
const withinMs = Math.max(120_000, inputs * 100);

test(
  `rows of the journal that dbconn did not write are read or refused: ${rows}, seed ${seed}`,
  { timeout: withinMs },
  async () => {
    await expect(holdRows(rows)).resolves.toBeUndefined();
  },
);

test(
  `webhooks that are mangled are taken or refused: ${inputs}, seed ${seed}`,
  { timeout: withinMs },
  async () => {
    await expect(holdAlerts(inputs)).resolves.toBeUndefined();
  },
);
