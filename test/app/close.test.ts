import { expect, test } from 'vitest';
import { createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import { JournalUnavailable } from '../../src/runbook/approvals/journal.ts';
import { createTargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import { systemClock } from '../../src/timing.ts';
import { makeJournalFolder } from '../journal/temporary-journal.ts';

test('the journal is closed even where a target cannot be', async () => {
  const folder = makeJournalFolder();
  const monitor = createTargetMonitor([], systemClock);
  const close = (): Promise<never> => Promise.reject(new Error('The connection hangs.'));
  const config = {
    ...readConfig({ DATABASE_URL: 'postgres://app@127.0.0.1/shop' }),
    journal: folder.file,
  };
  const app = createApp(config, {
    clock: systemClock,
    warn: () => undefined,
    targets: { targetAdapters: [], monitor: { ...monitor, close } },
  });
  try {
    const journal = await app.journal();
    await app.targets();
    await expect(app.close()).rejects.toThrow('The connection hangs.');
    await expect(journal.head()).rejects.toThrow(JournalUnavailable);
  } finally {
    folder.close();
  }
});
