import { DatabaseSync } from 'node:sqlite';
import { nextEntry } from '../../src/journal/chain.ts';
import { openSqliteJournal } from '../../src/journal/sqlite/driver.ts';
import { systemClock } from '../../src/timing.ts';
import { advance } from '../../src/runbook/approvals/request.ts';
import { bob, buildRequest } from '../runbook/approvals/builders.ts';

/** Requests with their votes by the journal itself, and then as many notes as make it that large, chained as it chains. */
export async function fillJournal(file: string, entries: number, requests: number): Promise<void> {
  const journal = await openSqliteJournal({ file, clock: systemClock });
  for (let index = 0; index < requests; index += 1) {
    const id = `r${index}`;
    const proposed = await buildRequest({ id });
    await journal.create(proposed, { request: id, kind: 'proposed', body: { target: 'shop' } });
    const votes = [{ by: bob, at: '', reason: null }];
    const approved = advance(proposed, 'approved', { votes });
    await journal.move(1, approved, { request: id, kind: 'vote', body: {} });
    const failed = advance(approved, 'failed', {});
    await journal.move(2, failed, { request: id, kind: 'failed', body: {} });
  }
  let head = await journal.head();
  await journal.close();
  const database = new DatabaseSync(file);
  database.exec('PRAGMA synchronous = OFF; BEGIN');
  const insert = database.prepare('INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)');
  const sentence =
    'Looked: 62 of 97 slots used, the most by backend, and 3 sessions wait for a lock.';
  while (head.seq < entries) {
    const at = new Date(Date.now() + head.seq).toISOString();
    const body = { sentence, facts: { used: head.seq % 97, usable: 97, state: 'warning' } };
    const draft = { incident: `inc-${Math.floor(head.seq / 5000)}`, kind: 'incident-looked', body };
    const entry = nextEntry(draft, { head, at, data: null });
    const { seq, request, kind, previous, hash } = entry;
    insert.run(seq, at, request, kind, entry.body, previous, hash);
    head = { seq, hash };
  }
  database.exec('COMMIT');
  database.close();
}
