import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { hashEntry } from '../../src/journal/chain.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { JournalUnavailable, LeaseLost } from '../../src/runbook/approvals/journal.ts';
import { advance } from '../../src/runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { bob, buildRequest } from '../runbook/approvals/builders.ts';
import { patienceMs } from '../support/until.ts';
import { startRacer } from './racer.ts';
import { shelves, usePlace } from './shelves.ts';

const proposed = { kind: 'proposed', body: {} };
const [ours, theirs] = ['ours', 'theirs'].map((id) => ({ id, forMs: 60_000 }));
if (ours === undefined || theirs === undefined) throw new Error('two holders');

async function proposeIn(journal: StoredJournal, id = 'r1'): Promise<ApprovalRequest> {
  const request = await buildRequest({ id });
  await journal.create(request, { ...proposed, request: id });
  return request;
}

function approve(request: ApprovalRequest): ApprovalRequest {
  return advance(request, 'approved', { votes: [{ by: bob, at: '', reason: null }] });
}

/** Approved and held by us. */
async function approveIn(journal: StoredJournal, forMs = 60_000): Promise<ApprovalRequest> {
  const request = approve(await proposeIn(journal));
  const entry = { request: request.id, kind: 'vote', body: {}, holder: { id: 'ours', forMs } };
  expect(await journal.move(1, request, entry)).toBe('moved');
  return request;
}

describe.each(shelves)('the journal on %s', (_name, openShelf) => {
  const place = usePlace(openShelf);
  const isServer = (): boolean => place.address.startsWith('postgres');

  test('a request is read as it was written, by another process of the same journal too', async () => {
    const request = await proposeIn(await place.open());
    const other = await place.open();
    expect(await other.read('r1')).toEqual(request);
    expect(await other.read('r2')).toBeUndefined();
    expect(await other.list(['proposed'])).toEqual([request]);
    expect(await other.list(['approved', 'done'])).toEqual([]);
  });

  test('a request of Slack is heard once, whichever process hears it, and forgotten by Slack’s clock alone', async () => {
    const [journal, other] = [await place.open(), await place.open()];
    const request = { hash: 'a', signedAt: 1_000_000 };
    const heard = await Promise.all([journal, other].map((one) => one.recordSigned(request)));
    expect(new Set(heard)).toEqual(new Set([true, false]));
    expect(await (await place.open()).recordSigned(request)).toBe(false);
    // Signed earlier and delivered later.
    expect(await journal.recordSigned({ hash: 'b', signedAt: 999_500 })).toBe(true);
    expect(await journal.recordSigned({ hash: 'c', signedAt: 1_000_601 })).toBe(true);
    // What is forgotten by now is too old to be heard for the first time.
    expect(await journal.recordSigned(request)).toBe(false);
    expect(await journal.recordSigned({ hash: 'd', signedAt: 1_000_001 })).toBe(true);
    expect(await journal.verify()).toMatchObject({ ok: true, entries: 0 });
  });

  test('a change is made once from each version, and leaves no entry when it was too late', async () => {
    const journal = await place.open();
    const request = await proposeIn(journal);
    const next = approve(request);
    expect(await journal.move(1, next, { request: 'r1', kind: 'vote', body: {} })).toBe('moved');
    const before = await journal.head();
    expect(await journal.move(1, next, { request: 'r1', kind: 'vote', body: {} })).toBe('changed');
    expect(await journal.head()).toEqual(before);
    expect(await journal.read('r1')).toEqual(next);
  });

  test('of three processes that approve the same request at once exactly one is first', async () => {
    const journal = await place.open();
    const ids = Array.from({ length: 40 }, (_, index) => `r${index}`);
    for (const id of ids) await proposeIn(journal, id);
    const names = ['UANN', 'UBOB', 'UCEM'];
    const racers = await Promise.all(names.map((name) => startRacer(place.address, name)));
    const results = await Promise.all(racers.map((racer) => racer.race(ids)));
    for (const [index, id] of ids.entries()) {
      const answers = results.map((lines) => String(lines[index])).toSorted();
      expect(answers).toEqual([`${id} changed`, `${id} changed`, `${id} moved`]);
    }
    expect(await journal.verify()).toMatchObject({ ok: true, entries: ids.length * 2 });
  });

  test('only one request at a time executes on a target', async () => {
    const journal = await place.open();
    const [first, second] = [await proposeIn(journal, 'r1'), await proposeIn(journal, 'r2')];
    const run = async (request: ApprovalRequest): Promise<string> => {
      const approved = approve(request);
      const { id, version } = request;
      await journal.move(version, approved, { request: id, kind: 'vote', body: {} });
      const executing = advance(approved, 'executing', {});
      return journal.move(2, executing, { request: id, kind: 'executing', body: {} });
    };
    expect(await run(first)).toBe('moved');
    expect(await run(second)).toBe('busy');
    const executing = await journal.read('r1');
    const done = advance(executing ?? first, 'done', {});
    await journal.move(3, done, { request: 'r1', kind: 'done', body: {} });
    const again = advance(approve(second), 'executing', {});
    const entry = { request: 'r2', kind: 'executing', body: {} };
    expect(await journal.move(2, again, entry)).toBe('moved');
  });

  test('runs since a moment are those that ended then or later, for that option on that target', async () => {
    const journal = await place.open();
    const request = advance(await approveIn(journal), 'executing', {});
    const entry = { request: 'r1', kind: 'executing', body: {} };
    await journal.move(2, request, entry);
    const report = { items: [], summary: '', finished: true };
    const result = { report, outcome: null, endedAt: '2026-11-23T03:05:00.000Z' };
    const ended = advance(request, 'done', { result });
    const since = (at: string): Promise<readonly ApprovalRequest[]> =>
      journal.readRunsSince({ target: 'shop', option: 'A', since: at });
    expect(await since('2026-11-23T03:05:00.000Z')).toEqual([]);
    await journal.move(3, ended, { ...entry, kind: 'done' });
    expect(await since('2026-11-23T03:05:00.000Z')).toEqual([ended]);
    expect(await since('2026-11-23T03:05:00.001Z')).toEqual([]);
  });

  test('while one holds a request it can be taken by nobody, and written by nobody else', async () => {
    const journal = await place.open();
    await approveIn(journal);
    expect(await journal.acquire('r1', theirs)).toBe(false);
    const head = await journal.head();
    const note = { request: 'r1', kind: 'step-intended', body: {} };
    await expect(journal.record({ ...note, holder: theirs })).rejects.toBeInstanceOf(LeaseLost);
    expect(await journal.head()).toEqual(head);
    await journal.record({ ...note, holder: ours });
    expect(await journal.head()).toMatchObject({ seq: head.seq + 1 });
  });

  test('a lease that ran out is taken by exactly one, and its former holder writes nothing more', async () => {
    const journal = await place.open();
    const request = await approveIn(journal, 1);
    await sleep(2);
    const holders = ['one', 'two', 'three'].map((id) => ({ id, forMs: 60_000 }));
    const others = await Promise.all(holders.map(() => place.open()));
    const taken = await Promise.all(
      others.map((other, index) => other.acquire('r1', holders[index] ?? ours)),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
    const next = advance(request, 'executing', {});
    const entry = { request: 'r1', kind: 'executing', body: {}, holder: ours };
    await expect(journal.move(2, next, entry)).rejects.toBeInstanceOf(LeaseLost);
    expect(await journal.read('r1')).toMatchObject({ state: 'approved' });
    const holder = holders[taken.indexOf(true)] ?? ours;
    expect(await journal.move(2, next, { ...entry, holder })).toBe('moved');
  });

  test('a lease that ran out but was not taken can be used on and renewed', async () => {
    const journal = await place.open();
    await approveIn(journal, 1);
    await sleep(2);
    await journal.record({ request: 'r1', kind: 'step-intended', body: {}, holder: ours });
    await journal.renew(ours);
    expect(await journal.acquire('r1', theirs)).toBe(false);
  });

  test('a lease that ends absurdly far in the future holds nobody up', async () => {
    const journal = await place.open();
    await approveIn(journal);
    expect(await journal.takeLead(ours)).toBe(true);
    const day = isServer() ? "interval '1 day'" : '86400000';
    await place.tamper(`UPDATE leases SET until = until + ${day}`);
    expect(await journal.acquire('r1', theirs)).toBe(true);
    expect(await journal.takeLead(theirs)).toBe(true);
  });

  test('what is written prolongs the lease: nobody takes over in the midst of what was intended', async () => {
    const journal = await place.open();
    const request = await approveIn(journal, 1);
    await sleep(2);
    const entry = { request: 'r1', kind: 'step-intended', body: {}, holder: ours };
    await journal.record(entry);
    expect(await journal.acquire('r1', theirs)).toBe(false);
    await place.tamper(
      'UPDATE leases SET until = until - ' + (isServer() ? "interval '1 hour'" : '3600000'),
    );
    const executing = advance(request, 'executing', {});
    expect(await journal.move(2, executing, { ...entry, kind: 'executing' })).toBe('moved');
    expect(await journal.acquire('r1', theirs)).toBe(false);
  });

  test.for([
    ['another holder', "UPDATE leases SET holder = 'theirs'"],
    ['no holder', 'DELETE FROM leases'],
  ] as const)(
    'a hand that writes %s into a lease lets whoever had it write, and so begin, nothing more',
    async ([, statement]) => {
      const journal = await place.open();
      const request = await approveIn(journal);
      await place.tamper(statement);
      await journal.renew(ours);
      const entry = { request: 'r1', kind: 'step-intended', body: {}, holder: ours };
      const executing = advance(request, 'executing', {});
      await expect(journal.record(entry)).rejects.toBeInstanceOf(LeaseLost);
      await expect(journal.move(2, executing, entry)).rejects.toBeInstanceOf(LeaseLost);
      const other = await place.open();
      const isFree = statement.startsWith('DELETE');
      expect(await other.acquire('r1', theirs)).toBe(isFree);
      await other.record({ ...entry, holder: theirs });
      await expect(journal.record(entry)).rejects.toBeInstanceOf(LeaseLost);
    },
  );

  test('the age of a request is told by the journal’s clock, and is never below 0', async () => {
    const journal = await place.open();
    await approveIn(journal);
    expect(await journal.readAgeMs('r1', ['executing', 'done'])).toBeUndefined();
    const [proposedMs = -1, votedMs = -1] = [
      await journal.readAgeMs('r1', ['proposed']),
      await journal.readAgeMs('r1', ['vote']),
    ];
    expect(votedMs).toBeGreaterThanOrEqual(0);
    expect(proposedMs).toBeLessThan(patienceMs);
    await place.unguard();
    await place.tamper("UPDATE entries SET at = '2031-01-01T00:00:00.000Z' WHERE kind = 'vote'");
    // The last entry is from the future: the clock was set back since.
    expect(await journal.readAgeMs('r1', ['vote'])).toBe(0);
    expect(await journal.readAgeMs('r1', ['proposed'])).toBeGreaterThan(1_000_000_000);
  });

  test('a lease is free once it was given back, and gone once the request has ended', async () => {
    const journal = await place.open();
    const request = await approveIn(journal);
    await journal.release('r1', theirs);
    expect(await journal.acquire('r1', theirs)).toBe(false);
    await journal.release('r1', ours);
    expect(await journal.acquire('r1', theirs)).toBe(true);
    const failed = advance(request, 'failed', {});
    await journal.move(2, failed, { request: 'r1', kind: 'failed', body: {}, holder: theirs });
    expect(await journal.acquire('r1', theirs)).toBe(false);
    const late = journal.record({ request: 'r1', kind: 'note', body: {}, holder: theirs });
    await expect(late).rejects.toBeInstanceOf(LeaseLost);
  });

  test('the chain verifies, and its head is what was kept elsewhere', async () => {
    const journal = await place.open();
    await proposeIn(journal);
    const anchor = await journal.head();
    await journal.record({ request: 'r1', kind: 'step-intended', body: { step: 'end pid 101' } });
    expect(await journal.verify([anchor.hash])).toMatchObject({ ok: true, entries: 2 });
    const kinds = (await journal.entries('r1')).map(({ kind }) => kind);
    expect(kinds).toEqual(['proposed', 'step-intended']);
  });

  test.for([
    ['a byte of an entry', "UPDATE entries SET body = replace(body, '101', '102') WHERE seq = 2"],
    ['the kind of an entry', "UPDATE entries SET kind = 'x' WHERE seq = 2"],
    ['an entry that was taken out', 'DELETE FROM entries WHERE seq = 2'],
    [
      'a byte of a request',
      `UPDATE requests SET data = replace(data, '"version":1', '"version":7')`,
    ],
    ['a request that was taken out', 'DELETE FROM requests'],
    ['an emergency stop that was lifted by hand', 'DELETE FROM stop'],
  ] as const)('tampering is found: %s', async ([, statement]) => {
    const journal = await place.open();
    await proposeIn(journal);
    await journal.record({ kind: 'note', body: { pid: 101 } });
    const stop = { by: '<@UANN>', at: '2026-11-23T03:00:00.000Z', reason: '' };
    await journal.writeStop(stop, { kind: 'stopped', body: {} });
    expect(await journal.verify()).toMatchObject({ ok: true });
    await place.unguard();
    await place.tamper(statement);
    expect(await journal.verify()).toMatchObject({ ok: false });
  });

  test('an entry that was rewritten together with its own hash is found by the next one', async () => {
    const journal = await place.open();
    await journal.record({ kind: 'note', body: { pid: 101 } });
    await journal.record({ kind: 'note', body: {} });
    const [first] = await journal.entries();
    if (first === undefined) throw new Error('no entry');
    const body = '{"pid":102}';
    const hash = hashEntry({ ...first, body });
    await place.unguard();
    await place.tamper(`UPDATE entries SET body = '${body}', hash = '${hash}' WHERE seq = 1`);
    expect(await journal.verify()).toMatchObject({ ok: false, seq: 2 });
  });

  test('entries cut off at the end are found by a head kept elsewhere', async () => {
    const journal = await place.open();
    await journal.record({ kind: 'note', body: { n: 1 } });
    await journal.record({ kind: 'note', body: { n: 2 } });
    const anchor = await journal.head();
    await place.unguard();
    await place.tamper('DELETE FROM entries WHERE seq = 2');
    expect(await journal.verify()).toMatchObject({ ok: true });
    expect(await journal.verify([anchor.hash])).toMatchObject({ ok: false });
  });

  test('entries can be neither changed nor deleted by a statement', async () => {
    const journal = await place.open();
    await journal.record({ kind: 'note', body: {} });
    await expect(place.tamper("UPDATE entries SET kind = 'x'")).rejects.toThrow('append-only');
    await expect(place.tamper('DELETE FROM entries')).rejects.toThrow('append-only');
  });

  test('a full journal refuses, and what it holds stays whole', async () => {
    const journal = await place.open({ maxBytes: 400_000 });
    await proposeIn(journal);
    const fill = async (): Promise<void> => {
      for (;;) await journal.record({ kind: 'note', body: { text: noise(9000) } });
    };
    await expect(fill()).rejects.toThrow(/^The journal is full/);
    const next = approve(await buildRequest());
    const draft = { request: 'r1', kind: 'vote', body: { text: noise(9000) } };
    await expect(journal.move(1, next, draft)).rejects.toBeInstanceOf(JournalUnavailable);
    expect(await journal.read('r1')).toMatchObject({ state: 'proposed', version: 1 });
    expect(await journal.verify()).toMatchObject({ ok: true });
  });

  test('an emergency stop is seen by every process, until it is lifted', async () => {
    const [journal, other] = [await place.open(), await place.open()];
    const stop = { by: '<@UANN>', at: '2026-11-23T03:00:00.000Z', reason: 'wrong sessions' };
    await journal.writeStop(stop, { kind: 'stopped', body: {} });
    expect(await other.readStop()).toEqual(stop);
    await other.writeStop(undefined, { kind: 'go', body: {} });
    expect(await journal.readStop()).toBeUndefined();
  });
});

/** Text that no storage can make smaller. */
function noise(length: number): string {
  const bytes = new Uint8Array(Math.ceil(length / 2));
  crypto.getRandomValues(bytes);
  return Buffer.from(bytes).toString('hex');
}
