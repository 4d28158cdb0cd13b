import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { majors } from '../support/breadth.ts';
import { startCluster } from '../support/clusters.ts';
import { openPostgresJournal } from '../../src/journal/postgres/driver.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { connectByTls } from '../../src/postgres/connect/connect-by-tls.ts';
import { makeJournalFolder } from './temporary-journal.ts';
import { current } from '../support/current.ts';
import { runSql } from '../support/sql.ts';

type PostgresJournalOptions = Parameters<typeof openPostgresJournal>[0];

/** A place for journals of one kind. */
export interface Shelf {
  /** An empty place for one journal. */
  clear(): Promise<Place>;
  close(): Promise<void>;
}

/** Where one journal stands; any number of processes may open it. */
export interface Place {
  readonly address: string;
  open(how?: Pick<PostgresJournalOptions, 'maxBytes' | 'readsOnly'>): Promise<StoredJournal>;
  /** Takes away what keeps entries from being changed. */
  unguard(): Promise<void>;
  /** Past dbconn, as somebody with a shell would. */
  tamper(...statements: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Of every kind, with its name. */
export const shelves: readonly (readonly [string, () => Promise<Shelf>])[] = [
  ['SQLite', sqliteShelf],
  ...majors.map((major) => [`PostgreSQL ${major}`, () => postgresShelf(major)] as const),
];

/** An empty place for each test of a `describe`, all of them on one shelf. */
export function usePlace(openShelf: () => Promise<Shelf>): Place {
  let shelf: Shelf | undefined;
  let place: Place | undefined;
  beforeAll(async () => {
    shelf = await openShelf();
  });
  afterAll(() => shelf?.close());
  beforeEach(async () => {
    place = await shelf?.clear();
  });
  afterEach(() => place?.close());
  return current(() => place);
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
  await runSql(cluster.url(), 'CREATE ROLE journal LOGIN');
  /** Databases whose journal is closed: to make one costs far more than to clear one. */
  const vacant: string[] = [];
  let databases = 0;
  const makeDatabase = async (): Promise<string> => {
    databases += 1;
    await runSql(cluster.url(), `CREATE DATABASE journal_${databases} OWNER journal`);
    return cluster.url('journal', `journal_${databases}`);
  };
  return {
    async clear() {
      const address = vacant.pop() ?? (await makeDatabase());
      await runSql(address, 'DROP SCHEMA IF EXISTS dbconn CASCADE');
      // SQLite knows no schemas, so the statements of the tests name none.
      const tamper = (...statements: readonly string[]): Promise<void> =>
        runSql(address, 'SET search_path = dbconn', ...statements).then(() => undefined);
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
          vacant.push(address);
        },
      };
    },
    close: () => cluster.close(),
  };
}
