import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { escapeLiteral } from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { majors } from '../support/breadth.ts';
import { createIdleSessions } from '../../src/postgres/privileged/idle-sessions.ts';
import { createDatabase } from '../../src/postgres/lifeline.ts';
import { createRoleLimits } from '../../src/postgres/privileged/role-limits.ts';
import { createTimeouts } from '../../src/postgres/privileged/timeouts.ts';
import { createPrevention } from '../../src/runbook/remedies/prevention/prevention.ts';
import type { RunControl } from '../../src/runbook/remedies/remedy.ts';
import { systemClock } from '../../src/timing.ts';
import { aTarget } from '../runbook/diagnose/builders.ts';
import { databaseOptions } from '../support/database-options.ts';
import { heldLease } from '../support/held-lease.ts';
import { useServer } from '../support/server.ts';

const quiet: RunControl = {
  isStopped: () => Promise.resolve(false),
  intend: () => Promise.resolve(),
  record: () => Promise.resolve(),
  lease: heldLease,
  progress: () => undefined,
};
const run = promisify(execFile);
const file = fileURLToPath(new URL('../../deploy/grants.sql', import.meta.url));
const passwords = { looking_password: "look's \\ secret", acting_password: 'act; -- secret' };

describe.for(majors)('PostgreSQL %i', (major) => {
  const server = useServer({
    major,
    settings: {
      max_connections: 12,
      password_encryption: 'scram-sha-256',
      ...(major >= 16 && { reserved_connections: 2 }),
    },
    hba: ['host all dbconn,dbconn_acting 127.0.0.1/32 scram-sha-256'],
  });
  beforeAll(async () => {
    await server.sessions.ask('CREATE ROLE app LOGIN');
    await server.sessions.ask('CREATE TABLE orders (id int)');
    await applyGrants();
    await applyGrants(); // safe to run again, as it says
  });

  /** With psql where there is one; else what psql would send. */
  async function applyGrants(): Promise<void> {
    if (existsSync('/usr/bin/psql')) {
      const given = Object.entries(passwords).flatMap(([name, value]) => [
        '-v',
        `${name}=${value}`,
      ]);
      await run('/usr/bin/psql', ['-X', '-d', server.cluster.url(), ...given, '-f', file]);
      return;
    }
    for (const statement of statementsOf(await readFile(file, 'utf8'))) {
      if (!statement.isGenerator) {
        await server.sessions.ask(statement.sql);
        continue;
      }
      const rows = await server.sessions.ask<{ sql: string }>(
        `SELECT * FROM (${statement.sql}) x (sql)`,
      );
      for (const { sql } of rows) await server.sessions.ask(sql);
    }
  }

  const looking = (): string =>
    server.cluster.url('dbconn', 'postgres', passwords.looking_password);
  const privileged = (): string =>
    server.cluster.url('dbconn_acting', 'postgres', passwords.acting_password);

  test('the looking role sees every session in full', async () => {
    const other = await server.sessions.open({ user: 'app', application: 'seen' });
    await other.run('BEGIN', 'SELECT 1');
    const database = createDatabase(databaseOptions(looking()));
    const { reach, reading } = await database.readSnapshot();
    await database.close();
    expect(reach).toMatchObject({
      via: 'connection',
      rungs: [{ rung: 'connection', outcome: 'answered' }],
    });
    expect(reading?.counts.hidden).toBe(0);
    expect(reading?.visibility).toEqual({
      monitor: true,
      role: 'dbconn',
      roleSuperuser: false,
      canSignal: false,
      canUseReserved: major >= 16,
      roleConnectionLimit: 3,
    });
    expect(reading?.sessions.find(({ pid }) => pid === other.pid)).toMatchObject({
      application: 'seen',
      query: 'SELECT ?',
      canSignal: false,
    });
    await server.sessions.endAll();
  });

  test.for([
    'SELECT * FROM orders',
    'INSERT INTO orders VALUES (1)',
    'DROP TABLE orders',
    "ALTER SYSTEM SET work_mem = '1GB'",
    'CREATE ROLE another',
    "COPY (SELECT 1) TO '/tmp/dbconn-must-not'",
  ])('neither role may %s', async (statement) => {
    for (const url of [looking(), privileged()]) {
      const { client } = await server.sessions.open({ url });
      await expect(client.query(statement)).rejects.toMatchObject({ code: '42501' });
    }
    await server.sessions.endAll();
  });

  test('the acting role may end an ordinary session, and the looking role may not', async () => {
    const { pid } = await server.sessions.open({ user: 'app' });
    const { client } = await server.sessions.open({ url: looking() });
    const sql = 'SELECT pg_terminate_backend($1)';
    await expect(client.query(sql, [pid])).rejects.toMatchObject({ code: '42501' });
    const found = await createIdleSessions({ url: privileged() }).act((session) =>
      session.readTerminateCandidates({
        states: ['idle'],
        idleForMs: 1,
        application: 'backend',
        guard: {
          idleForMs: 1,
          protectedApplications: [],
          poolerApplications: [],
          applicationRoles: [],
        },
      }),
    );
    expect(found.sessions.find(({ identity }) => identity.pid === pid)?.skipped).toBeNull();
    const actor = await server.sessions.open({ url: privileged() });
    const { rows } = await actor.client.query<Record<string, boolean>>(sql, [pid]);
    expect(rows).toEqual([{ pg_terminate_backend: true }]);
    await server.sessions.endAll();
  });

  const prevention = (): ReturnType<typeof createPrevention> =>
    createPrevention({
      timeouts: createTimeouts({ url: privileged() }),
      roleLimits: createRoleLimits({ url: privileged() }),
      clock: systemClock,
      target: aTarget(),
    });

  const timeout = {
    kind: 'set-timeout',
    setting: 'idle_in_transaction_session_timeout',
    role: null,
    ms: 600_000,
  } as const;

  test('the looking role has no time-out of its own that would hide everybody’s', async () => {
    const { client } = await server.sessions.open({ url: looking() });
    const { rows } = await client.query<{ source: string }>(
      `SELECT source FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'`,
    );
    expect(rows).toEqual([{ source: 'default' }]);
    await server.sessions.endAll();
  });

  test.for([major].filter((number) => number < 15))(
    'on %i prevention is refused with what to do, and nothing is tried',
    async () => {
      const answer = await prevention().propose(timeout);
      if (answer.ok) throw new Error('It was not refused.');
      expect(answer.refusal.kind).toBe('privilege');
      expect(answer.refusal.next).toMatch(/Before PostgreSQL 15 this needs a superuser/);
    },
  );

  if (major < 15) return;

  test('the acting role sets the two time-outs cluster-wide, and takes them back', async () => {
    for (const ask of [timeout, { ...timeout, ms: null }]) {
      const draft = await prevention().propose(ask);
      if (!draft.ok) throw new Error(draft.refusal.why);
      const plan = { ...draft.value, policyVersion: '', plannedAt: '' };
      const report = await prevention().run(plan, plan.targets, quiet);
      expect(report.items).toMatchObject([{ outcome: 'set' }]);
    }
  });

  test('the acting role may do option B’s three statements', async () => {
    const { client } = await server.sessions.open({ url: privileged() });
    await client.query('ALTER SYSTEM SET max_connections = 13');
    await client.query('ALTER SYSTEM RESET max_connections');
    await client.query('CHECKPOINT');
    const [row] = await server.sessions.ask<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_file_settings WHERE name = 'max_connections' AND setting = '13'`,
    );
    expect(row?.n).toBe(0);
    await server.sessions.endAll();
  });

  if (major < 16) return;

  test('with the commented grant it sets a role’s time-out, and may not become that role', async () => {
    await server.sessions.ask('ALTER ROLE dbconn_acting CREATEROLE');
    await server.sessions.ask(
      'GRANT app TO dbconn_acting WITH ADMIN OPTION, INHERIT FALSE, SET FALSE',
    );
    const ofRole = await prevention().propose({ ...timeout, role: 'app' });
    expect(ofRole).toMatchObject({ ok: true });
    const { client } = await server.sessions.open({ url: privileged() });
    await client.query('ALTER ROLE app SET idle_session_timeout = 60000');
    await client.query('ALTER ROLE app RESET idle_session_timeout');
    await expect(client.query('SET ROLE app')).rejects.toMatchObject({ code: '42501' });
    const another = 'ALTER ROLE dbconn SET idle_session_timeout = 60000';
    await expect(client.query(another)).rejects.toMatchObject({ code: '42501' });
    await server.sessions.ask('REVOKE app FROM dbconn_acting');
    await server.sessions.ask('ALTER ROLE dbconn_acting NOCREATEROLE');
    await server.sessions.endAll();
  });

  test('both get in when ordinary roles are refused', async () => {
    await server.sessions.takeAllSlots({ user: 'app' });
    const database = createDatabase(databaseOptions(looking()));
    const { reach } = await database.readSnapshot();
    await database.close();
    expect(reach.via).toBe('reserved');
    const { pid } = await server.sessions.open({ url: privileged() });
    expect(pid).toBeGreaterThan(0);
    await server.sessions.endAll();
  });
});

interface Statement {
  readonly sql: string;
  /** Its result is to be run in turn: psql's \gexec. */
  readonly isGenerator: boolean;
}

function statementsOf(script: string): Statement[] {
  const bare = script.replaceAll(/^(--|\\set).*$/gm, '');
  return [...bare.matchAll(/([^;\\]+?)\s*(;|\\gexec)/g)].map(([, sql = '', end]) => ({
    sql: fillIn(sql.trim()),
    isGenerator: end !== ';',
  }));
}

function fillIn(sql: string): string {
  return sql.replaceAll(/:'(\w+)'/g, (_, name: string) =>
    escapeLiteral(Object.entries(passwords).find(([known]) => known === name)?.[1] ?? ''),
  );
}
