import { DatabaseSync } from 'node:sqlite';
import { Client } from 'pg';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import { systemClock } from '../../src/clock.ts';
import { openPostgresJournal } from '../../src/journal/postgres.ts';
import type { PostgresJournalOptions } from '../../src/journal/postgres.ts';
import { openSqliteJournal } from '../../src/journal/sqlite.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { connectByTls } from '../../src/postgres/connect-by-tls.ts';
import { makeJournalFolder } from './temporary-journal.ts';

/** A place for journals of one kind. */
export interface Shelf {
  /** An empty place for one journal. */
  clear(): Promise<Place>;
  close(): Promise<void>;
}

/** Where one journal stands; any number of processes may open it. */
export interface Place {
  readonly address: string;
  open(bound?: Pick<PostgresJournalOptions, 'maxBytes'>): Promise<StoredJournal>;
  /** Takes away what keeps entries from being changed. */
  unguard(): Promise<void>;
  /** Past dbconn, as somebody with a shell would. */
  tamper(...statements: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Either kind, by its address. */
export function openByAddress(address: string): Promise<StoredJournal> {
  return address.startsWith('postgres://')
    ? openPostgresJournal({ url: address, byTls: connectByTls })
    : openSqliteJournal({ file: address, clock: systemClock });
}

export function sqliteShelf(): Promise<Shelf> {
  const clear = (): Promise<Place> => {
    const folder = makeJournalFolder();
    const tamper = async (...statements: readonly string[]): Promise<void> => {
      const database = new DatabaseSync(folder.file, { timeout: 5000 });
      try {
        for (const statement of statements) await Promise.resolve(database.exec(statement));
      } finally {
        database.close();
      }
    };
    return Promise.resolve({
      address: folder.file,
      open: (bound) => folder.open(bound),
      unguard: () => tamper('DROP TRIGGER entries_stay', 'DROP TRIGGER entries_are_kept'),
      tamper,
      close: () => Promise.resolve(folder.close()),
    });
  };
  return Promise.resolve({ clear, close: () => Promise.resolve() });
}

export async function postgresShelf(major: number): Promise<Shelf> {
  const cluster = await startCluster({ major });
  await run(cluster.url(), ['CREATE ROLE journal LOGIN']);
  let databases = 0;
  return {
    async clear() {
      databases += 1;
      const name = `journal_${databases}`;
      await run(cluster.url(), [`CREATE DATABASE ${name} OWNER journal`]);
      const address = cluster.url('journal', name);
      // SQLite knows no schemas, so the statements of the tests name none.
      const tamper = (...statements: readonly string[]): Promise<void> =>
        run(address, ['SET search_path = dbconn', ...statements]);
      const opened: StoredJournal[] = [];
      return {
        address,
        async open(bound = {}) {
          const journal = await openPostgresJournal({
            url: address,
            byTls: connectByTls,
            ...bound,
          });
          opened.push(journal);
          return journal;
        },
        unguard: () => tamper('DROP TRIGGER entries_stay ON entries'),
        tamper,
        async close() {
          for (const journal of opened) await journal.close();
        },
      };
    },
    close: () => cluster.close(),
  };
}

async function run(url: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
