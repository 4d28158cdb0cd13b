import { systemClock } from '../../src/timing.ts';
import { openPostgresJournal } from '../../src/journal/postgres/journal.ts';
import { openSqliteJournal } from '../../src/journal/sqlite/journal.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { connectByTls } from '../../src/postgres/connect/connect-by-tls.ts';

/** A journal of either kind. */
export function openByAddress(address: string): Promise<StoredJournal> {
  return address.startsWith('postgres://')
    ? openPostgresJournal({ url: address, byTls: connectByTls })
    : openSqliteJournal({ file: address, clock: systemClock });
}
