import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { toText } from '../../../sandbox/message-text.ts';
import { asAdmin } from '../../../sandbox/patient/schema.ts';
import { whyNoEngine } from '../engine.ts';
import { eventually } from '../eventually.ts';
import { startStack } from '../stack.ts';
import type { Stack } from '../stack.ts';
import { openStackBot } from './stack-bot.ts';
import type { ConfigOptions } from './stack-config.ts';
import type { StackBot } from './stack-bot.ts';
import { openClient } from '../../support/sql.ts';

/** Options A and D, prepared transactions and prevention, from trouble to outcome, in Slack, on the engine. */
describe.skipIf(await whyNoEngine())('sessions on a real engine', () => {
  let stack: Stack;
  let backendUrl: string;
  let stackBot: StackBot | undefined;
  const clients: Client[] = [];

  beforeAll(async () => {
    stack = await startStack({
      postgresqlConf: ['max_prepared_transactions = 5'],
      backendEnv: { DATABASE_POOL_SIZE: '40', DATABASE_MAX_OVERFLOW: '40' },
    });
    backendUrl = await stack.backendUrl();
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.end()));
    await fetch(`${backendUrl}/release`, { method: 'POST' });
    await stackBot?.close();
    stackBot = undefined;
  });
  afterAll(() => stack.close());

  async function open(options: ConfigOptions = {}): Promise<StackBot> {
    stackBot = await openStackBot(stack, { verifyAfter: '4s', ...options });
    return stackBot;
  }

  async function connect(application: string): Promise<Client> {
    const client = await openClient(stack.appUrl, application); // it may be ended
    clients.push(client);
    return client;
  }

  /** What the server counts, asked as its superuser. */
  function count(condition: string): Promise<number> {
    const statement = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE ${condition}`;
    return asAdmin(stack.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ n: number }>(statement);
      return rows[0]?.n ?? 0;
    });
  }

  /** As many requests at once as the pool has room for. */
  async function rush(requests: number): Promise<void> {
    const one = (): Promise<unknown> => fetch(`${backendUrl}/query?ms=300`);
    await Promise.all(Array.from({ length: requests }, one));
  }

  test('transactions that a backend leaked are ended by option A, and its slots are free', async () => {
    const { change } = await open();
    await fetch(`${backendUrl}/leak?n=80`, { method: 'POST' });
    const old = `state = 'idle in transaction' AND now() - state_change > interval '1s'`;
    await eventually(
      () => count(old),
      (sessions) => sessions === 80,
    );
    const { card, text } = await change('A');
    // The pool of the backend counts on what was ended: its slots are free, and its requests still wait.
    expect(card.text).toMatch(/^Partly fixed, /);
    expect(text).toMatch(/Slots freed, but \w+ still has (\d+) of \1 connections checked out/);
    expect(text).toContain('Of 80 sessions: 80 ended.');
    expect(text).toMatch(/8\d of 9\d used before/);
    expect(await count(`state = 'idle in transaction'`)).toBe(0);
  });

  test('an idle pool that is ended and fills up again is called that, and by whom', async () => {
    // Long enough for the pool to be full again before the last look, however busy the machine is.
    const { propose, approve, end } = await open({ verifyAfter: '20s' });
    await rush(40);
    const idle = `application_name = 'backend' AND state = 'idle'`;
    const old = `${idle} AND now() - state_change > interval '1s'`;
    const resting = await eventually(
      () => count(old),
      (sessions) => sessions >= 20,
    );
    const card = await propose('A backend');
    await approve(card);
    // The customers come back once the look after the change has seen the slots free.
    await stackBot?.slack.waitFor(
      ({ channels }) =>
        channels
          .flatMap(({ messages }) => messages)
          .find((one) => one.ts === card.ts && one.text.startsWith('Checking the effect')),
      30_000,
    );
    await eventually(
      async () => {
        await rush(40);
        return count(idle);
      },
      (sessions) => sessions >= resting,
    );
    const ended = await end(card);
    expect(ended.card.text).toMatch(/^Filled up again, /);
    expect(ended.text).toContain('Filled up by: backend');
    expect(ended.text).toMatch(/\d+ per minute/);
  });

  test('a pile-up of 50 behind one forgotten transaction goes on once option D ended that', async () => {
    const { propose, approve, end } = await open();
    await asAdmin(stack.adminUrl, (admin) =>
      admin.query('DROP TABLE IF EXISTS till; CREATE TABLE till (n int); GRANT ALL ON till TO app'),
    );
    const holder = await connect('migration-by-hand');
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE till');
    const waiters: Promise<unknown>[] = [];
    for (let opened = 0; opened < 50; opened += 1) {
      const client = await connect('checkout');
      waiters.push(client.query('INSERT INTO till VALUES (1)'));
    }
    await eventually(
      () => count(`wait_event_type = 'Lock' AND now() - query_start > interval '1s'`),
      (sessions) => sessions === 50,
    );
    const proposed = await propose('D');
    expect(toText(proposed)).toContain('migration-by-hand');
    await approve(proposed);
    const { card, text } = await end(proposed);
    expect(card.text).toMatch(/^(?:Partly fixed|Fixed), /);
    expect(text).toContain('Of 1 session: 1 ended.');
    await Promise.all(waiters);
    const { rows } = await asAdmin(stack.adminUrl, (admin) =>
      admin.query<{ n: number }>('SELECT count(*)::int AS n FROM till'),
    );
    expect(rows[0]?.n).toBe(50);
    await expect(holder.query('SELECT 1')).rejects.toThrow(/terminat|not queryable/);
  });

  test('a prepared transaction nobody finished is rolled back by two votes, and who waited goes on', async () => {
    const { change } = await open({ actingUrl: stack.adminUrl });
    const manager = await connect('transaction-manager');
    await manager.query('CREATE TABLE IF NOT EXISTS orders (n int)');
    await manager.query('BEGIN');
    await manager.query('LOCK TABLE orders');
    await manager.query(`PREPARE TRANSACTION 'order-4711'`);
    const client = await connect('checkout');
    const waiting = client.query('INSERT INTO orders VALUES (1)');
    await eventually(
      () => count(`wait_event_type = 'Lock'`),
      (sessions) => sessions === 1,
    );
    const { text } = await change('prepared order-4711');
    expect(text).toContain('rolled back');
    await waiting;
    const { rows } = await asAdmin(stack.adminUrl, (admin) =>
      admin.query('SELECT FROM pg_prepared_xacts'),
    );
    expect(rows).toEqual([]);
  });

  test('a time-out set by prevention ends what is forgotten, and its undo takes it away again', async () => {
    const { change, undo } = await open();
    const readSetting = async (): Promise<string> => {
      const client = await connect('reader');
      const shown = await client.query<{ value: string }>(
        `SELECT current_setting('idle_in_transaction_session_timeout') AS value`,
      );
      return shown.rows[0]?.value ?? '';
    };
    const ended = await change('prevention idle-in-transaction 1s');
    expect(await readSetting()).toBe('1s');
    const forgetful = await connect('forgetful');
    const gone = new Promise((resolve) => {
      forgetful.once('error', resolve);
    });
    await forgetful.query('BEGIN');
    expect(await gone).toMatchObject({ code: '25P03' });
    await undo(ended);
    expect(await readSetting()).toBe('0');
    const { rows } = await asAdmin(stack.adminUrl, (admin) =>
      admin.query(
        `SELECT FROM pg_file_settings WHERE name = 'idle_in_transaction_session_timeout'`,
      ),
    );
    expect(rows).toEqual([]);
  });
});
