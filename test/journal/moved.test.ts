import { copyFileSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { JournalMoved } from '../../src/runbook/approvals/journal.ts';
import { refusalOf, valueOf } from '../runbook/approvals/answers.ts';
import { ann, bob } from '../runbook/approvals/builders.ts';
import { useWorld } from '../runbook/approvals/world.ts';

/** The file is moved, removed or replaced under a running dbconn. For PostgreSQL, see postgres.test.ts. */
const world = useWorld();

const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;

test.for<[string, (file: string) => void]>([
  ['moved', (file) => renameSync(file, `${file}.old`)],
  ['removed', (file) => rmSync(file)],
  ['in a folder that was moved', (file) => renameSync(dirname(file), `${dirname(file)}.old`)],
  ['without its log', (file) => rmSync(`${file}-wal`)],
  [
    'replaced by a copy of itself',
    (file) => {
      copyFileSync(file, `${file}.copy`);
      renameSync(`${file}.copy`, file);
    },
  ],
])(
  'once its file is %s nothing runs unrecorded: the next vote and the next look say so',
  async ([, move]) => {
    const approvals = await world.approvals();
    const { id } = valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
    const journal = await world.journal();
    move(world.file);
    const refusal = refusalOf(await approvals.approve(id, bob));
    expect(refusal).toMatchObject({ kind: 'not-recorded' });
    expect(refusal.next).toMatch(/^The journal’s file was moved, removed or replaced/);
    expect(world.remedy.runs).toBe(0);
    await expect(journal.findUntrue()).rejects.toBeInstanceOf(JournalMoved);
    await expect(journal.record({ kind: 'note', body: {} })).rejects.toBeInstanceOf(JournalMoved);
    rmSync(`${dirname(world.file)}.old`, { recursive: true, force: true });
  },
);

test('once its file is back it goes on', async () => {
  const journal = await world.journal();
  renameSync(world.file, `${world.file}.old`);
  await expect(journal.record({ kind: 'note', body: {} })).rejects.toBeInstanceOf(JournalMoved);
  renameSync(`${world.file}.old`, world.file);
  await journal.record({ kind: 'note', body: {} });
  expect(await journal.verify()).toMatchObject({ ok: true, entries: 1 });
});
