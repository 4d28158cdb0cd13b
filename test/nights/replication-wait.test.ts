import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBlockers } from '../../src/postgres/privileged/blockers.ts';
import { until } from '../support/until.ts';
import { watch } from './support/night.ts';
import { variants } from './support/variants.ts';
import { heldLease } from '../support/held-lease.ts';
import { useNightServer } from './support/night-server.ts';

/** Night 1: commits that wait for a standby which is gone. They are done here, and no cancel takes them back. */
const server = useNightServer({ settings: { max_connections: 40 } }, [
  'SET synchronous_commit = local',
]);
const limits = { slowQueryMs: 500 };
afterAll(async () => {
  await server.sessions.ask('ALTER SYSTEM RESET synchronous_standby_names');
  await server.sessions.ask('SELECT pg_reload_conf()');
});

describe.each(variants)('commits that wait for a standby ($seed)', (variant) => {
  const { seeded, user, table, applications } = variant;
  const commits = seeded.between(10, 25);
  let writers: number[];

  beforeAll(async () => {
    await server.sessions.ask(`CREATE TABLE ${table} (id int)`);
    await server.sessions.ask(`GRANT ALL ON ${table} TO PUBLIC`);
    await server.sessions.ask(`CREATE ROLE ${user} LOGIN`);
    await server.sessions.ask(`ALTER SYSTEM SET synchronous_standby_names = '${table}'`);
    await server.sessions.ask('SELECT pg_reload_conf()');
    await until('a standby is waited for', async () => {
      const rows = await server.sessions.ask(
        `SELECT WHERE current_setting('synchronous_standby_names') = '${table}'`,
      );
      return rows.length === 1;
    });
    const opened = await server.sessions.openMany(commits, { user, application: applications[0] });
    for (const writer of opened) writer.begin(`INSERT INTO ${table} VALUES (1)`);
    writers = opened.map(({ pid }) => pid);
    await until('every commit has waited for over a second', async () => {
      const waiting = await server.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND now() - state_change > interval '1.2 s'`,
      );
      return waiting.length === commits;
    });
  });
  afterAll(() => server.sessions.endAll());

  test('are named as none of the six, with the way out, and nothing to cancel is proposed', async () => {
    const monitor = watch(server.cluster, { limits });
    try {
      const { state, verdict, causes, proposals, findings } = await monitor.diagnose('night');
      expect(state).toBe('critical');
      expect(verdict).toContain('Likely cause: replication wait.');
      expect(causes).toEqual([]);
      expect(proposals.map(({ option }) => option)).not.toContain('D');
      const found = findings.find(({ id }) => id === 'replication-wait');
      expect(found?.summary).toContain(`${commits} commits`);
      expect(found?.fix).toContain('synchronous_standby_names');
    } finally {
      await monitor.close();
    }
  });

  test('are neither cancelled nor ended, not even by their pid', async () => {
    const guard = { protectedApplications: [], poolerApplications: [], applicationRoles: [] };
    const blockers = createBlockers({ url: server.cluster.url('acting') });
    await blockers.act(async (session) => {
      const slow = { runningForMs: 500, atMost: 50 };
      expect(await session.readSlow(slow, guard)).toEqual([]);
      const [one] = await session.readBlockers(writers.slice(0, 1), guard);
      if (one === undefined) throw new Error('The writer is gone.');
      expect(one.skipped).toBe('committing');
      for (const how of ['cancel', 'terminate'] as const) {
        const { identity } = one;
        const signal = { identity, how, same: 'session', queued: false, waiters: null } as const;
        expect(await session.signalBlocker(signal, { guard, lease: heldLease })).toBe('committing');
      }
    });
    const alive = await server.sessions.ask(
      `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
    );
    expect(alive).toHaveLength(commits);
  });
});
