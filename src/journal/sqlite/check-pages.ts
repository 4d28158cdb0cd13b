import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { z } from 'zod';

/** What came of reading all pages of a journal's file, for damage that nobody would meet until that page is needed. */
export interface PageCheck {
  /** A sentence; undefined while none was found. */
  problem(): string | undefined;
  /** Ends a check that still goes on. */
  close(): void;
}

/** Some tens of milliseconds. More is read aside: a start must not wait for a journal of a million entries. */
const readAtOnceBytes = 32 * 1024 ** 2;

const Rows = z.array(z.looseObject({ quick_check: z.string() }));

/** Never throws. Entries whose text was changed are no damage to SQLite: those are found by their hashes. */
export function checkPages(database: DatabaseSync, file: string): PageCheck {
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > readAtOnceBytes) {
    return checkAside(file);
  }
  const problem = readAll(database);
  return { problem: () => problem, close: () => undefined };
}

/** On a connection of its own, in a thread of its own; it holds no process up. */
function checkAside(file: string): PageCheck {
  let problem: string | undefined;
  const worker = new Worker(script, { eval: true, workerData: file });
  worker.unref();
  worker.on('message', (rows: unknown) => {
    problem = judge(rows);
  });
  worker.on('error', () => {
    problem = damaged;
  });
  return { problem: () => problem, close: () => void worker.terminate() };
}

const script = `
  const { parentPort, workerData } = require('node:worker_threads');
  const { DatabaseSync } = require('node:sqlite');
  const database = new DatabaseSync(workerData, { readOnly: true, timeout: 5000 });
  parentPort.postMessage(database.prepare('PRAGMA quick_check(1)').all().map((row) => ({ ...row })));
  database.close();
`;

function readAll(database: DatabaseSync): string | undefined {
  try {
    return judge(database.prepare('PRAGMA quick_check(1)').all());
  } catch {
    return damaged;
  }
}

function judge(rows: unknown): string | undefined {
  return Rows.safeParse(rows).data?.[0]?.quick_check === 'ok' ? undefined : damaged;
}

const damaged = 'The journal’s file is damaged: a page of it cannot be read as SQLite wrote it.';
