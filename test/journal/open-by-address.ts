import { systemClock } from '../../src/timing.ts';
import { openPostgresJournal } from '../../src/journal/postgres/driver.ts';
import { openSqliteJournal } from '../../src/journal/sqlite/driver.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { connectByTls } from '../../src/postgres/connect/connect-by-tls.ts';

/** A journal of either kind. */
export function openByAddress(address: string): Promise<StoredJournal> {
  return address.startsWith('postgres://')
    ? openPostgresJournal({ url: address, byTls: connectByTls })
    : openSqliteJournal({ file: address, clock: systemClock });
}
