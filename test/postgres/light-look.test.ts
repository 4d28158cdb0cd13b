import { expect, test } from 'vitest';
import { toLightReading } from '../../src/postgres/snapshot/light-snapshot.ts';
import type { FullSnapshot } from '../../src/postgres/snapshot/light-snapshot.ts';
import type { DatabaseReading } from '../../src/runbook/snapshot/snapshot.ts';
import { aReading, aSource } from '../runbook/diagnose/builders.ts';

const startedAt = '2026-11-23T01:00:00.000000Z';
const last: FullSnapshot = {
  reading: aReading({ startedAt }),
  roles: [[10, 'postgres', true, false]],
  databases: [[5, 'shop']],
};

function lightRow(more: Partial<DatabaseReading>): string {
  const { at, counts } = aReading();
  const row = { at, startedAt, inLockManager: 9, counts, waits: [], sources: [], sourcesTotal: 0 };
  return JSON.stringify({ ...row, ...more });
}

test('oids have the names of the last full look, and who came since has only a number', () => {
  const sources = [
    aSource({ user: '10', database: '5' }),
    aSource({ user: '16400', database: '5' }),
    aSource({ user: null, database: null }),
  ];
  const reading = toLightReading(lightRow({ sources }), last);
  expect(reading?.sources.map(({ user, database }) => [user, database])).toEqual([
    ['postgres', 'shop'],
    ['oid 16400', 'shop'],
    [null, null],
  ]);
});

test('what is remembered of another server completes nothing', () => {
  const row = lightRow({ startedAt: '2026-11-23T02:00:00.000000Z' });
  expect(toLightReading(row, last)).toBeUndefined();
});
