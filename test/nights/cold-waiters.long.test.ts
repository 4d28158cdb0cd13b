import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { watch } from './support/night.ts';
import { useNightServer } from './support/night-server.ts';
import { everyVariant } from './support/variants.ts';

/** Night 21: a crowd waits for one row, and dbconn looks for the first time. */
const server = useNightServer({
  settings: { max_connections: 260, deadlock_timeout: '200ms' },
});

describe.each(everyVariant)('a crowd that waits for one row ($seed)', ({ seeded, user, table }) => {
  const waiters = seeded.between(120, 200);
  let root: number;

  beforeAll(async () => {
    const { sessions } = server;
    await sessions.ask(`CREATE ROLE ${user} LOGIN`);
    await sessions.ask(`CREATE TABLE ${table} (id int PRIMARY KEY, n int)`);
    await sessions.ask(`INSERT INTO ${table} VALUES (1, 0)`);
    await sessions.ask(`GRANT ALL ON ${table} TO PUBLIC`);
    const [holder, ...others] = await sessions.openMany(waiters + 1, { user });
    await holder?.run('BEGIN', `UPDATE ${table} SET n = 1`);
    root = holder?.pid ?? 0;
    for (const one of others) one.begin(`UPDATE ${table} SET n = 2`);
  });
  afterAll(() => server.sessions.endAll());

  test('reached cold is answered with its root, or said to be slow, within 5 s and never said to hang', async () => {
    let found: readonly unknown[] = [];
    await until('the root is found', async () => {
      const monitor = watch(server.cluster);
      const began = performance.now();
      const { headline, reach, blocking } = await monitor.diagnose('night');
      expect(performance.now() - began).toBeLessThan(5000);
      await monitor.close();
      expect(headline).not.toMatch(/hang/);
      expect(reach.error?.kind ?? 'slow').toBe('slow');
      found = blocking.roots;
      return found.length > 0;
    });
    expect(found).toMatchObject([{ pid: root }]);
  });
});
