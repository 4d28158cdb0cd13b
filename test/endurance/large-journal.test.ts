import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeJournalFolder } from '../journal/temporary-journal.ts';
import { fillJournal } from './fill-journal.ts';

/** A journal of a million entries, as some years of nights leave it. */
const entries = 1_000_000;
const folder = makeJournalFolder();
beforeAll(() => fillJournal(folder.file, entries, 1000));
afterAll(() => folder.close());

test('it opens within a second, is looked over in less, and verifies within 10 s of processor time', async () => {
  const beganAt = performance.now();
  const journal = await folder.open();
  expect(performance.now() - beganAt).toBeLessThan(1000);
  const lookedAt = performance.now();
  expect(await journal.findUntrue()).toEqual([]);
  expect(performance.now() - lookedAt).toBeLessThan(1000);
  const before = process.cpuUsage();
  expect(await journal.verify()).toMatchObject({ ok: true, entries });
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1e6).toBeLessThan(10);
});
