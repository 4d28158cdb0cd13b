import { expect, test } from 'vitest';
import { conflicts } from '../../src/postgres/snapshot/to-reading.ts';
import { useServer } from '../support/server.ts';

const modes = [
  ['ACCESS SHARE', 'AccessShareLock'],
  ['ROW SHARE', 'RowShareLock'],
  ['ROW EXCLUSIVE', 'RowExclusiveLock'],
  ['SHARE UPDATE EXCLUSIVE', 'ShareUpdateExclusiveLock'],
  ['SHARE', 'ShareLock'],
  ['SHARE ROW EXCLUSIVE', 'ShareRowExclusiveLock'],
  ['EXCLUSIVE', 'ExclusiveLock'],
  ['ACCESS EXCLUSIVE', 'AccessExclusiveLock'],
] as const;

const server = useServer({}, ['CREATE TABLE work (id int)']);

test.for(modes)('the server lets nobody past %s that we say has to wait', async ([sql, mode]) => {
  const [holder, other] = [await server.sessions.open(), await server.sessions.open()];
  await holder.run('BEGIN', `LOCK work IN ${sql} MODE`);
  for (const [wantedSql, wanted] of modes) {
    await other.run('BEGIN');
    const isRefused = await other.run(`LOCK work IN ${wantedSql} MODE NOWAIT`).then(
      () => false,
      () => true,
    );
    await other.run('ROLLBACK');
    expect([wanted, conflicts(wanted, mode)]).toEqual([wanted, isRefused]);
  }
  await server.sessions.endAll();
});
