import { createHash } from 'node:crypto';
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { toDraft } from '../../src/runbook/incidents/incident-log.ts';
import { buildIncident } from './build-incident.ts';
import { shelves, sqliteShelf, usePlace } from './shelves.ts';

/** A journal that is opened to be read, as `dbconn mcp` does, while a bot writes it or not. */
describe.each(shelves)('a journal on %s that is only read', (_name, openShelf) => {
  const place = usePlace(openShelf);

  test('shows what is written meanwhile, and refuses every write', async () => {
    const writing = await place.open();
    const reading = await place.open({ readsOnly: true });
    const incident = buildIncident();
    const note = toDraft(incident.id, { kind: 'incident-opened', sentence: 'It began.' });
    await writing.openIncident(incident, note);
    expect(await reading.listIncidents({ states: ['open'], limit: 5 })).toEqual([incident]);
    await expect(reading.record({ kind: 'note', body: {} })).rejects.toThrow('only reads');
    await expect(reading.openIncident(incident, note)).rejects.toThrow('only reads');
    expect(await writing.verify()).toMatchObject({ ok: true, entries: 1 });
  });

  test('is neither made nor brought up to date', async () => {
    await expect(place.open({ readsOnly: true })).rejects.toThrow(/The journal/);
    const isFile = !place.address.startsWith('postgres:');
    await place.open().then((journal) => journal.close());
    await place.tamper(
      isFile ? 'PRAGMA user_version = 1' : 'UPDATE schema_version SET version = 1',
    );
    await expect(place.open({ readsOnly: true })).rejects.toThrow(
      /has schema version 1, and this dbconn knows version \d+\./,
    );
  });
});

describe('the file of a journal that is only read', () => {
  const place = usePlace(sqliteShelf);
  const stateOf = (): unknown => {
    const bytes = readFileSync(place.address);
    return [createHash('sha256').update(bytes).digest('hex'), statSync(place.address).mode];
  };

  test('stays as it is, its mode too', async () => {
    const writing = await place.open();
    await writing.record({ kind: 'note', body: {} });
    await writing.close();
    chmodSync(place.address, 0o640);
    const before = stateOf();
    const reading = await place.open({ readsOnly: true });
    expect((await reading.head()).seq).toBe(1);
    await reading.close();
    expect(stateOf()).toEqual(before);
    // SQLite reads a file of this kind with an empty log beside it.
    expect(statSync(`${place.address}-wal`).size).toBe(0);
  });
});
