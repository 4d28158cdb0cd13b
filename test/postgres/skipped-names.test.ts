import { beforeAll, describe, expect, test } from 'vitest';
import { createIdleSessions } from '../../src/postgres/privileged/idle-sessions.ts';
import { createBlockers } from '../../src/postgres/privileged/blockers.ts';
import { createRoleLimits } from '../../src/postgres/privileged/role-limits.ts';

import { majors } from '../support/breadth.ts';
import { heldLease } from '../support/held-lease.ts';
import type { TerminateGuard } from '../../src/runbook/diagnose/protected-sessions.ts';
import type { Candidate } from '../../src/runbook/remedies/a-terminate-idle/ports.ts';
import { useServer } from '../support/server.ts';

const guard: TerminateGuard = {
  idleForMs: 1,
  protectedApplications: ['pg_dump', 'Nächtlicher Lauf'],
  poolerApplications: ['pgbouncer'],
  applicationRoles: [],
  ownRoles: ['looking'],
};

/** How names come to be written, and why their session is skipped. */
const names = [
  ['pg_dump', 'protected application'],
  [' PG_dump ', 'protected application'],
  ['pg _ dump', 'protected application'],
  ['ｐｇ_dump', 'protected application'],
  ['pg\u200B_du\u00ADmp', 'protected application'],
  ['Nächtlicher Lauf', 'protected application'],
  ['PgBouncer ', 'pooler'],
  ['dbconn', null],
  ['pg_dumper', null],
  ['Биллинг', null],
] as const;

describe.for(majors)('PostgreSQL %i', (major) => {
  const server = useServer({ major });
  beforeAll(async () => {
    for (const role of ['app', 'looking', 'acting'])
      await server.sessions.ask(`CREATE ROLE ${role} LOGIN`);
    await server.sessions.ask('GRANT pg_monitor, pg_signal_backend TO acting');
  });

  async function findOne(user: string, application: string): Promise<Candidate> {
    const session = await server.sessions.open({ user, application });
    await session.run('BEGIN', 'SELECT 1');
    const states = ['idle in transaction'] as const;
    const query = { states, idleForMs: 1, application: null, guard };
    const found = await createIdleSessions({ url: server.cluster.url('acting') }).act(
      (privileged) => privileged.readTerminateCandidates(query),
    );
    const [one] = found.sessions.filter(({ identity }) => identity.pid === session.pid);
    if (one === undefined) throw new Error('It is not there.');
    return one;
  }

  test.for(names)(
    '%j of an application is skipped as %s, in the plan and by the signal',
    async ([name, reason]) => {
      const outcome = reason ?? 'signalled';
      const idle = await findOne('app', name);
      expect(idle.skipped).toBe(reason);
      const [ended] = await createIdleSessions({ url: server.cluster.url('acting') }).act(
        (privileged) => privileged.terminateSessions([idle.identity], { guard, lease: heldLease }),
      );
      expect(ended?.outcome).toBe(outcome);
      const { pid } = (await findOne('app', name)).identity;
      await createBlockers({ url: server.cluster.url('acting') }).act(async (privileged) => {
        const [blocker] = await privileged.readBlockers([pid], guard);
        if (blocker === undefined) throw new Error('It is gone.');
        expect(blocker.skipped).toBe(reason);
        const how = { how: 'terminate', same: 'session', queued: false, waiters: null } as const;
        expect(
          await privileged.signalBlocker(
            { ...how, identity: blocker.identity },
            { guard, lease: heldLease },
          ),
        ).toBe(outcome);
      });
    },
  );

  test('dbconn’s sessions are those with its name and one of its roles', async () => {
    expect((await findOne('looking', 'dbconn')).skipped).toBe('own');
    expect((await findOne('acting', 'dbconn')).skipped).toBe('own');
    expect((await findOne('looking', 'web')).skipped).toBe(null);
    const limits = createRoleLimits({ url: server.cluster.url('acting'), ownRoles: ['looking'] });
    await findOne('app', 'dbconn');
    const isOwn = (role: string): Promise<boolean> =>
      limits.act(async (session) => (await session.readRoleLimit(role)).isOwn);
    expect(await Promise.all(['app', 'looking', 'acting'].map(isOwn))).toEqual([false, true, true]);
  });
});
