import { expect, test } from 'vitest';
import { ownRolesOf } from '../../src/config/to-rules.ts';

const database = { url: 'postgres://db/orders', providerReserved: 0 };

test('the roles of all addresses are dbconn’s own, that of its journal too', () => {
  const more = {
    ...database,
    url: 'postgres://look%40ing:secret@db/orders',
    actingUrl: 'postgres://acting@db/orders',
    reservedUrl: 'postgres://db/orders?user=reserved',
    rescueUrl: 'postgres://acting@db/orders',
  };
  const journal = 'postgresql://keeper@db/journal';
  expect(ownRolesOf(more, journal, {})).toEqual(['look@ing', 'acting', 'reserved', 'keeper']);
});

test('an address without a role means the one that pg takes', () => {
  expect(ownRolesOf(database, 'journal.sqlite', { PGUSER: 'pg', USER: 'root' })).toEqual(['pg']);
  expect(ownRolesOf(database, 'journal.sqlite', { USER: 'root' })).toEqual(['root']);
  expect(ownRolesOf(database, 'journal.sqlite', {})).toEqual([]);
});
