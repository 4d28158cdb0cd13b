import { expect, test } from 'vitest';
import { holdAlerts } from './alerts.ts';
import { holdRows } from './rows.ts';

test('rows of the journal that dbconn did not write are read or refused', async () => {
  await expect(holdRows(20)).resolves.toBeUndefined();
});

test('webhooks that are mangled are taken or refused', async () => {
  await expect(holdAlerts(40)).resolves.toBeUndefined();
});
