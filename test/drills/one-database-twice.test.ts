import { createApp } from '../../src/app.ts';

import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/timing.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import type { Answer } from '../../src/runbook/remedies/remedy.ts';
import type { TargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import { makeJournalFolder } from '../journal/temporary-journal.ts';
import type { JournalFolder } from '../journal/temporary-journal.ts';
import { allMembers } from '../support/people.ts';
import { until } from '../support/until.ts';
import type { App } from '../../src/app/deps.ts';
import { useServer } from '../support/server.ts';

/** `orders` and `orders-again` are one database by two addresses; `billing` is another one on the same server. */
const server = useServer({}, [
  'CREATE ROLE app LOGIN',
  'CREATE DATABASE orders',
  'CREATE DATABASE billing',
]);
let folder: JournalFolder;
let app: App;
let monitor: TargetMonitor;
let approvals: Approvals;

beforeEach(async () => {
  folder = makeJournalFolder();
  await open();
});
afterEach(async () => {
  await monitor.close();
  await app.close();
  folder.close();
});

/** A bot that has not reached any target yet. */
async function open(user = 'postgres'): Promise<void> {
  const file = join(dirname(folder.file), 'dbconn.yml');
  const byName = (database: string): string =>
    server.cluster.url(user, database).replace('127.0.0.1', 'localhost');
  const target = (name: string, url: string, protect: string): string =>
    `  - name: ${name}
    database: { url: "${url}", actingUrl: "${url}" }
    protectedApplications: [${protect}]
    limits: { terminateIdleInTransaction: 1s, terminateIdle: 1s }
`;
  const targets = [
    target('orders', server.cluster.url(user, 'orders'), 'pg_dump'),
    target('orders-again', byName('orders'), 'month-end'),
    target('billing', byName('billing'), 'invoices'),
  ];
  await writeFile(
    file,
    `targets:\n${targets.join('')}approval:\n  A: { approve: [U0BOB], cooldown: 10m }\n`,
  );
  const config = readConfig({}, file);
  app = createApp(
    { ...config, journal: folder.file },
    { clock: systemClock, warn: () => undefined },
  );
  ({ monitor } = await app.targets());
  approvals = await app.approvals({
    people: allMembers,
    onChange: () => undefined,
    onFault: (_id, error) => {
      throw error;
    },
  });
}

async function forget(database: string, application: string): Promise<void> {
  const session = await server.sessions.open({ user: 'app', application, database });
  await session.run('BEGIN', 'SELECT 1');
  const aged = `SELECT FROM pg_stat_activity WHERE pid = ${session.pid} AND now() - state_change > interval '1 s'`;
  await until(
    'it is idle for a second',
    async () => (await server.sessions.ask(aged)).length === 1,
  );
}

async function alive(): Promise<string[]> {
  const rows = await server.sessions.ask<{ name: string }>(
    `SELECT application_name AS name FROM pg_stat_activity WHERE usename = 'app' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

const ask = { kind: 'idle-in-transaction', idleForMs: 1000 } as const;
const ann = { id: 'U0ANN', via: 'slack' } as const;
const bob = { id: 'U0BOB', via: 'slack' } as const;

function propose(target: string): Promise<Answer<ApprovalRequest>> {
  return approvals.propose({ target, ask, actor: ann });
}

const refusal = {
  kind: 'same-database',
  why: 'orders-again and orders are the same database, so changes go through orders only.',
};

test('a second target on one database is checked, and changes nothing: proposal, preview and doctor say why', async () => {
  expect(await propose('orders-again')).toMatchObject({ ok: false, refusal });
  expect(await approvals.preview('orders-again', ask)).toMatchObject({ ok: false, refusal });
  expect((await monitor.diagnose('orders-again')).reach.via).toBe('warm');
  expect(await monitor.doctor('orders-again')).toContainEqual(
    expect.objectContaining({ state: 'warning', summary: refusal.why }),
  );
  const checks = await monitor.doctor('orders');
  expect(checks.map(({ summary }) => summary).join(' ')).toContain(
    'It shares a server with orders-again and billing',
  );
});

test('where the role may not read the system identifier the start of the server tells', async () => {
  const execute = 'EXECUTE ON FUNCTION pg_control_system()';
  await server.sessions.ask('CREATE ROLE looking LOGIN; GRANT pg_monitor TO looking');
  // Functions are rights of each database.
  const orders = await server.sessions.open({ database: 'orders' });
  await orders.run(`REVOKE ${execute} FROM PUBLIC`);
  try {
    await monitor.close();
    await open('looking');
    expect(await propose('orders-again')).toMatchObject({ ok: false, refusal });
    expect(await monitor.doctor('orders')).toContainEqual(
      expect.objectContaining({
        state: 'warning',
        fix: 'GRANT EXECUTE ON FUNCTION pg_control_system() TO the role of url.',
      }),
    );
  } finally {
    await orders.run(`GRANT ${execute} TO PUBLIC`);
  }
});

test('what any target of a server protects is skipped through each, and the pause after a run binds all', async () => {
  for (const name of ['web', 'pg_dump', 'month-end']) await forget('orders', name);
  for (const name of ['jobs', 'invoices']) await forget('billing', name);
  const proposed = await propose('orders');
  const other = await propose('billing');
  if (!proposed.ok || !other.ok) throw new Error('It was not proposed.');
  expect(proposed.value.plan.targets).toHaveLength(2);
  expect(await approvals.approve(proposed.value.id, bob)).toMatchObject({ ok: true });
  await until('it ran', async () => {
    const now = await approvals.get(proposed.value.id);
    return now.ok && !['approved', 'executing'].includes(now.value.state);
  });
  expect(await alive()).toEqual(['invoices', 'month-end', 'pg_dump']);
  expect(await approvals.approve(other.value.id, bob)).toMatchObject({
    ok: false,
    refusal: { kind: 'cooling-down' },
  });
  await approvals.drain(0);
});
