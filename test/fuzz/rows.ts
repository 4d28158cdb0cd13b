import { DatabaseSync } from 'node:sqlite';
import { assert, asyncProperty, constantFrom, oneof } from 'fast-check';
import { expect } from 'vitest';
import { systemClock } from '../../src/timing.ts';
import { JournalUnavailable } from '../../src/runbook/approvals/journal.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { buildIncident } from '../journal/build-incident.ts';
import { inMemory, makeJournalFolder } from '../journal/temporary-journal.ts';
import { buildRequest } from '../runbook/approvals/builders.ts';
import { mangledJson, mangledText } from './mangle.ts';

const words = ['{"id":"r1",', '"version":1,', '"state":"proposed"', '}', '[', ']', 'null'];

/** Everything the journal reads from its rows, with rows that it did not write: an answer, or its one kind of error. */
export async function holdRows(numRuns: number): Promise<void> {
  const request = await buildRequest();
  const incident = buildIncident();
  const data = oneof(
    mangledJson(request).map((value) => JSON.stringify(value)),
    mangledText(words),
  );
  await assert(
    asyncProperty(constantFrom('requests', 'incidents', 'stop'), data, async (table, written) => {
      const folder = makeJournalFolder(inMemory);
      try {
        const journal = await folder.open({ clock: systemClock });
        await journal.create(request, { request: request.id, kind: 'proposed', body: {} });
        await journal.openIncident(incident, {
          incident: incident.id,
          kind: 'incident-opened',
          body: {},
        });
        await journal.writeStop({ by: 'x', at: '', reason: '' }, { kind: 'stopped', body: {} });
        if (!rewrite(folder.file, table, written)) return;
        await readEverything(journal, request.id, incident.id);
      } finally {
        folder.close();
      }
    }),
    { numRuns },
  );
}

/** False where SQLite itself refuses the row: its generated columns read it as JSON. */
function rewrite(file: string, table: string, data: string): boolean {
  const database = new DatabaseSync(file);
  try {
    database.prepare(`UPDATE ${table} SET data = ?`).run(data);
    return true;
  } catch {
    return false;
  } finally {
    database.close();
  }
}

async function readEverything(
  journal: StoredJournal,
  request: string,
  incident: string,
): Promise<void> {
  const reads = [
    () => journal.read(request),
    () => journal.list(['proposed', 'approved', 'executing', 'verifying', 'done']),
    () => journal.readRunsSince({ target: 'shop', option: 'A', since: '' }),
    () => journal.readRequestsSince({ target: 'shop', since: '' }),
    () => journal.readSteps(request),
    () => journal.readStop(),
    () => journal.readIncident(incident),
    () => journal.listIncidents({ states: ['open', 'merged', 'resolved'], limit: 10 }),
    () => journal.readNotes(incident, 0),
  ];
  for (const read of reads) {
    await read().catch((error: unknown) => {
      if (!(error instanceof JournalUnavailable)) throw error;
    });
  }
  expect(await journal.verify()).toHaveProperty('ok');
}
