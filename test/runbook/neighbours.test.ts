import { expect, test } from 'vitest';
import { Neighbours, checkNeighbours } from '../../src/runbook/approvals/neighbours.ts';

import { HandClock } from './approvals/world.ts';
import { aReading, aSnapshot, aTarget } from './diagnose/builders.ts';
import type { ServerIdentity } from '../../src/runbook/snapshot/ports.ts';

/** A target whose server says who it is when it is looked at; with nothing to say it cannot be reached. */
class Scripted {
  told: ServerIdentity | undefined;
  now: ServerIdentity | undefined;
  looks = 0;

  constructor(now?: Partial<ServerIdentity>) {
    this.now = now && { systemIdentifier: '7', startedAt: 'monday', database: 'orders', ...now };
  }

  identity = (): ServerIdentity | undefined => this.told;

  readSnapshot = () => {
    this.looks += 1;
    this.told = this.now ?? this.told;
    const reading = this.now === undefined ? null : aReading();
    return Promise.resolve(aSnapshot({ reading }).database);
  };

  close = () => Promise.resolve();
}

function introduce(...all: readonly Scripted[]): Neighbours {
  const neighbours = new Neighbours(new HandClock());
  for (const [index, database] of all.entries()) {
    const protectedApplications = [`job-${index}`];
    neighbours.add(aTarget({ name: `target-${index}`, protectedApplications }), database);
  }
  return neighbours;
}

test('the first of two targets on one database changes it, the second does not', async () => {
  const neighbours = introduce(new Scripted({}), new Scripted({}));
  expect(await neighbours.of('target-0')).toMatchObject({
    mayChange: { ok: true },
    onServer: ['target-0', 'target-1'],
  });
  expect((await neighbours.of('target-1')).mayChange).toMatchObject({
    ok: false,
    refusal: { kind: 'same-database' },
  });
});

test('another database of the server shares its lock and its protections', async () => {
  const neighbours = introduce(new Scripted({}), new Scripted({ database: 'billing' }));
  const { mayChange, onServer } = await neighbours.of('target-1');
  expect(mayChange.ok).toBe(true);
  expect(onServer).toEqual(['target-0', 'target-1']);
  const { protectedApplications } = neighbours.protect(aTarget({ name: 'target-1' }));
  expect(protectedApplications).toEqual(['job-0', 'job-1']);
});

test('a standby and a copy of the files have the identifier, and are servers of their own', async () => {
  const copy = new Scripted({ startedAt: 'tuesday' });
  const neighbours = introduce(new Scripted({}), copy);
  for (let times = 0; times < 3; times += 1) {
    const { mayChange, onServer } = await neighbours.of('target-1');
    expect(mayChange.ok).toBe(true);
    expect(onServer).toEqual(['target-1']);
  }
  // Once to reach it, once to be sure.
  expect(copy.looks).toBe(2);
});

test('a server that was restarted since one of the two was looked at is still one server', async () => {
  const [first, second] = [new Scripted({}), new Scripted({})];
  const neighbours = introduce(first, second);
  await neighbours.of('target-1');
  for (const database of [first, second]) {
    database.now = { systemIdentifier: '7', startedAt: 'sunday', database: 'orders' };
  }
  await first.readSnapshot();
  expect((await neighbours.of('target-1')).mayChange.ok).toBe(false);
});

test('where the identifier may not be read the start of the server tells, and that is said', async () => {
  const unread = { systemIdentifier: null };
  const neighbours = introduce(
    new Scripted({}),
    new Scripted(unread),
    new Scripted({ ...unread, startedAt: 'tuesday' }),
  );
  expect(await neighbours.of('target-1')).toMatchObject({
    mayChange: { ok: false },
    isCertain: false,
  });
  expect(await neighbours.of('target-2')).toMatchObject({
    mayChange: { ok: true },
    isCertain: false,
  });
});

test('one that cannot be reached stops nobody, and is not asked at every click', async () => {
  const gone = new Scripted();
  const neighbours = introduce(gone, new Scripted({}));
  for (let times = 0; times < 3; times += 1) {
    expect((await neighbours.of('target-1')).mayChange.ok).toBe(true);
  }
  expect(gone.looks).toBe(1);
});

test('targets on one project of one engine share their containers, whatever their servers are', async () => {
  const neighbours = new Neighbours(new HandClock());
  const projects = {
    orders: 'here shop',
    reports: 'here shop',
    other: 'there shop',
    bare: undefined,
  };
  for (const [name, project] of Object.entries(projects)) {
    neighbours.add(aTarget({ name }), new Scripted({ systemIdentifier: name }), project);
  }
  const shared = await neighbours.of('orders');
  expect(shared).toMatchObject({ onServer: ['orders'], inProject: ['orders', 'reports'] });
  expect((await neighbours.of('other')).inProject).toEqual(['other']);
  expect((await neighbours.of('bare')).inProject).toEqual(['bare']);
  expect(checkNeighbours(shared, 'orders').map(({ summary }) => summary)).toEqual([
    'It shares its containers with reports, and so one lock for options C and E.',
  ]);
});
