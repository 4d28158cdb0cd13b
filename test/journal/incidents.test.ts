import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { JournalUnavailable } from '../../src/runbook/approvals/journal.ts';
import { advanceIncident } from '../../src/runbook/incidents/incident.ts';
import type { Incident } from '../../src/runbook/incidents/incident.ts';
import { toDraft } from '../../src/runbook/incidents/incident-log.ts';
import type { Note } from '../../src/runbook/incidents/incident-log.ts';
import { buildPlan, buildRequest } from '../runbook/approvals/builders.ts';
import { buildIncident } from './build-incident.ts';
import { patienceMs } from '../support/until.ts';
import { shelves, usePlace } from './shelves.ts';

const opened: Note = { kind: 'incident-opened', sentence: 'It is full.' };
const assigned: Note = {
  kind: 'incident-assigned',
  sentence: '<@UANN> has it.',
  by: { id: 'UANN', via: 'slack' },
  quote: 'mine',
  facts: { used: 97 },
};

function open(journal: StoredJournal, change: Partial<Incident> = {}): Promise<string> {
  const incident = buildIncident(change);
  return journal.openIncident(incident, toDraft(incident.id, opened));
}

const everyState = ['open', 'merged', 'resolved'] as const;

describe.each(shelves)('incidents in the journal on %s', (_name, openShelf) => {
  const place = usePlace(openShelf);

  test('an incident is read as it was written, by another process too', async () => {
    const journal = await place.open();
    const by = { id: 'UANN', via: 'slack', team: 'T1' } as const;
    const triggers: Incident['triggers'] = [
      { kind: 'watch', startsAt: '2026-11-23T03:00:00.000Z', endedAt: null },
    ];
    const change = { triggers, assignee: { by, at: '2026-11-23T03:01:00.000Z' } };
    expect(await open(journal, change)).toBe('opened');
    const other = await place.open();
    expect(await other.readIncident('inc-0abc1234')).toEqual(buildIncident(change));
    expect(await other.readIncident('inc-nothere')).toBeUndefined();
  });

  test('while an incident is open its time never falls behind what is written, and all processes have the same', async () => {
    const journal = await place.open();
    expect(await journal.readTime()).toMatchObject({ isSteady: true });
    await open(journal);
    const { nowMs, isSteady } = await (await place.open()).readTime();
    expect(Math.abs(nowMs - Date.now())).toBeLessThan(patienceMs);
    // The server's clock may be set, a machine's uptime is not.
    expect(isSteady).toBe(!place.address.startsWith('postgres'));
    await place.unguard();
    await place.tamper(
      "UPDATE entries SET at = '2031-01-01T00:00:00.000Z'",
      ...(isSteady ? ['UPDATE clock SET ahead = 0'] : []),
    );
    expect((await journal.readTime()).nowMs).toBeGreaterThanOrEqual(Date.parse('2031-01-01'));
  });

  test('a target has one open incident: a second one is busy, and writes nothing', async () => {
    const journal = await place.open();
    await open(journal);
    const before = await journal.head();
    expect(await open(journal, { id: 'inc-second00' })).toBe('busy');
    expect(await journal.head()).toEqual(before);
    expect(await journal.readIncident('inc-second00')).toBeUndefined();
    expect(await open(journal, { id: 'inc-third000', target: 'orders' })).toBe('opened');
  });

  test('of many that open an incident for one target at once exactly one is first', async () => {
    const journals = await Promise.all([place.open(), place.open(), place.open()]);
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        open(journals[index % 3] ?? journals[0], { id: `inc-race${index + 10}` }),
      ),
    );
    expect(answers.toSorted()).toEqual([...Array.from({ length: 11 }, () => 'busy'), 'opened']);
    const found = await journals[0].listIncidents({ states: everyState, limit: 50 });
    expect(found).toHaveLength(1);
  });

  test('a change is made once from each version, and leaves no entry when it was too late', async () => {
    const journal = await place.open();
    await open(journal);
    const next = advanceIncident(buildIncident(), 'open', { severity: 'warning' });
    const entry = toDraft(next.id, assigned);
    expect(await journal.moveIncident(1, next, entry)).toBe('moved');
    const before = await journal.head();
    expect(await journal.moveIncident(1, next, entry)).toBe('changed');
    const stranger = buildIncident({ id: 'inc-nobody00', target: 'orders' });
    expect(await journal.moveIncident(1, stranger, entry)).toBe('changed');
    expect(await journal.head()).toEqual(before);
    expect(await journal.readIncident(next.id)).toEqual(next);
  });

  test('a resolved incident cannot come back while another one of its target is open', async () => {
    const journal = await place.open();
    await open(journal);
    const resolved = advanceIncident(buildIncident(), 'resolved');
    const entry = toDraft(resolved.id, { kind: 'incident-resolved', sentence: 'It is over.' });
    expect(await journal.moveIncident(1, resolved, entry)).toBe('moved');
    expect(await open(journal, { id: 'inc-second00' })).toBe('opened');
    const again = advanceIncident(resolved, 'open');
    const before = await journal.head();
    expect(await journal.moveIncident(2, again, entry)).toBe('busy');
    expect(await journal.head()).toEqual(before);
    expect(await journal.readIncident(again.id)).toEqual(resolved);
  });

  test('incidents are listed newest first, by state, target and time, no more than asked for', async () => {
    const journal = await place.open();
    for (let hour = 0; hour < 4; hour += 1) {
      const id = `inc-hour0${hour}`;
      const target = hour % 2 === 0 ? 'shop' : 'orders';
      const incident = buildIncident({ id, target, openedAt: `2026-11-23T0${hour}:00:00.000Z` });
      await journal.openIncident(incident, toDraft(id, opened));
      if (hour < 2) {
        const note: Note = { kind: 'incident-resolved', sentence: null };
        await journal.moveIncident(1, advanceIncident(incident, 'resolved'), toDraft(id, note));
      }
    }
    const list = async (query: object): Promise<string[]> =>
      (await journal.listIncidents({ states: everyState, limit: 50, ...query })).map(
        ({ id }) => id,
      );
    expect(await list({})).toEqual(['inc-hour03', 'inc-hour02', 'inc-hour01', 'inc-hour00']);
    expect(await list({ states: ['open'] })).toEqual(['inc-hour03', 'inc-hour02']);
    expect(await list({ target: 'shop' })).toEqual(['inc-hour02', 'inc-hour00']);
    expect(await list({ since: '2026-11-23T02:00:00.000Z' })).toEqual(['inc-hour03', 'inc-hour02']);
    expect(await list({ since: '2026-11-23T02:00:00.001Z' })).toEqual(['inc-hour03']);
    expect(await list({ limit: 1 })).toEqual(['inc-hour03']);
    expect(await list({ states: [] })).toEqual([]);
  });

  test('notes come back in order and whole, after a number, without entries of other kinds', async () => {
    const journal = await place.open();
    await open(journal);
    const incident = buildIncident();
    const next = advanceIncident(incident, 'open');
    await journal.moveIncident(1, next, toDraft(incident.id, assigned));
    await journal.record({ request: incident.id, kind: 'posted', body: { ts: '1.2' } });
    await journal.record(toDraft('inc-another0', opened));
    await journal.record(toDraft(incident.id, { kind: 'incident-request', sentence: null }));
    const notes = await journal.readNotes(incident.id, 0);
    expect(notes.every(({ at }) => /^20.*Z$/.test(at))).toBe(true);
    expect(notes.map(({ at: _at, ...note }) => note)).toEqual([
      { ...opened, seq: 1 },
      { ...assigned, seq: 2 },
      { kind: 'incident-request', sentence: null, seq: 5 },
    ]);
    expect(await journal.readNotes(incident.id, 2)).toEqual(notes.slice(2));
    expect(await journal.readNotes(incident.id, 5)).toEqual([]);
    expect(await journal.readNotes('inc-nothere', 0)).toEqual([]);
  });

  test('requests since a moment are those of that target proposed then or later, oldest first', async () => {
    const journal = await place.open();
    const propose = async (id: string, change: object): Promise<void> => {
      const request = await buildRequest({ id, ...change });
      await journal.create(request, { request: id, kind: 'proposed', body: {} });
    };
    await propose('r1', { proposedAt: '2026-11-23T02:59:59.999Z' });
    await propose('r2', {});
    await propose('r3', { plan: buildPlan({ option: 'D' }) });
    await propose('r4', { target: 'orders' });
    const read = async (query: object): Promise<string[]> =>
      (
        await journal.readRequestsSince({
          target: 'shop',
          since: '2026-11-23T03:00:00.000Z',
          ...query,
        })
      ).map(({ id }) => id);
    expect(await read({})).toEqual(['r2', 'r3']);
    expect(await read({ option: 'D' })).toEqual(['r3']);
    expect(await read({ since: '2026-11-23T02:00:00.000Z' })).toEqual(['r1', 'r2', 'r3']);
    expect(await read({ since: '2026-11-23T03:00:00.001Z' })).toEqual([]);
  });

  test('one process tends the incidents: the others wait until it ends or lets its time pass', async () => {
    const [one, two] = [await place.open(), await place.open()];
    const [ours, theirs] = ['ours', 'theirs'].map((id) => ({ id, forMs: 60_000 }));
    if (ours === undefined || theirs === undefined) throw new Error('two holders');
    expect(await one.takeLead(ours)).toBe(true);
    expect(await two.takeLead(theirs)).toBe(false);
    expect(await one.takeLead(ours)).toBe(true);
    await two.endLead(theirs);
    expect(await two.takeLead(theirs)).toBe(false);
    await one.endLead(ours);
    expect(await two.takeLead({ ...theirs, forMs: 1 })).toBe(true);
    await sleep(2);
    expect(await one.takeLead(ours)).toBe(true);
    expect(await two.takeLead(theirs)).toBe(false);
  });

  test('a tending from before the clock was set back bars nobody', async () => {
    const journal = await place.open();
    expect(await journal.takeLead({ id: 'dead', forMs: 3_600_000 })).toBe(true);
    expect(await journal.takeLead({ id: 'alive', forMs: 60_000 })).toBe(true);
    expect(await journal.takeLead({ id: 'late', forMs: 60_000 })).toBe(false);
  });

  test('of several that take over a tending that ran out exactly one has it', async () => {
    const journals = await Promise.all([place.open(), place.open(), place.open()]);
    await journals[0].takeLead({ id: 'dead', forMs: 1 });
    await sleep(2);
    const taken = await Promise.all(
      journals.map((journal, index) => journal.takeLead({ id: `holder-${index}`, forMs: 60_000 })),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
  });

  test('tending takes no lease on a request, and a lease no tending', async () => {
    const journal = await place.open();
    const holder = { id: 'ours', forMs: 60_000 };
    await journal.takeLead(holder);
    expect(await journal.acquire('incidents', holder)).toBe(false);
    await journal.release('r1', holder);
    expect(await (await place.open()).takeLead({ ...holder, id: 'theirs' })).toBe(false);
  });

  test.for([
    [
      'a byte of an incident',
      `UPDATE incidents SET data = replace(data, '"critical"', '"warning"')`,
    ],
    ['an incident that was taken out', 'DELETE FROM incidents'],
    ['an incident’s entry', "UPDATE entries SET body = replace(body, 'full', 'fine')"],
  ] as const)('tampering is found: %s', async ([, statement]) => {
    const journal = await place.open();
    await open(journal);
    await journal.record(toDraft('inc-0abc1234', assigned));
    expect(await journal.verify()).toMatchObject({ ok: true, entries: 2 });
    await place.unguard();
    await place.tamper(statement);
    expect(await journal.verify()).toMatchObject({ ok: false });
  });

  test('a changed incident goes on and calls people, is told, and never passes for whole', async () => {
    const journal = await place.open();
    await open(journal);
    await place.tamper(`UPDATE incidents SET data = replace(data, '"critical"', '"warning"')`);
    expect(await journal.findUntrue()).toMatchObject([{ target: 'shop' }]);
    const [incident] = await journal.listIncidents({ states: ['open'], limit: 1 });
    const next = advanceIncident(incident ?? buildIncident(), 'resolved');
    expect(await journal.moveIncident(1, next, toDraft(next.id, opened))).toBe('moved');
    expect(await journal.verify()).toMatchObject({
      ok: false,
      seq: 2,
      problem: 'Its incident was changed past the journal’s entries before it.',
    });
  });

  test.for([
    ['an incident that is none', `UPDATE incidents SET data = replace(data, '"open"', '"ajar"')`],
    ['an incident cut short', "UPDATE incidents SET data = '{}'"],
  ] as const)('%s is told as damage, not taken for an incident', async ([, statement]) => {
    const journal = await place.open();
    await open(journal);
    await place.tamper(statement);
    await expect(journal.readIncident('inc-0abc1234')).rejects.toThrow(/journal is damaged/);
    await expect(journal.verify()).resolves.toMatchObject({ ok: false });
  });

  test('a full journal refuses, and leaves incidents and tending as they were', async () => {
    const journal = await place.open({ maxBytes: 400_000 });
    await open(journal);
    const noise = (): string =>
      Buffer.from(crypto.getRandomValues(new Uint8Array(4500))).toString('hex');
    const record = (): Promise<void> =>
      journal.record(toDraft('inc-0abc1234', { ...opened, quote: noise() }));
    const fill = async (): Promise<void> => {
      for (;;) await record();
    };
    await expect(fill()).rejects.toThrow(/^The journal is full/);
    const next = advanceIncident(buildIncident(), 'resolved');
    const moving = journal.moveIncident(1, next, toDraft(next.id, { ...opened, quote: noise() }));
    await expect(moving).rejects.toBeInstanceOf(JournalUnavailable);
    expect(await journal.readIncident(next.id)).toEqual(buildIncident());
    expect(await journal.verify()).toMatchObject({ ok: true });
  });
});
