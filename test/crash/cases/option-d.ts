import type { Client } from 'pg';
import { expect } from 'vitest';
import { asAdmin, databaseName } from '../../../sandbox/patient/schema.ts';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import type { CrashCase } from '../crash-case.ts';
import { openClient } from '../../support/sql.ts';

const waiters = 3;
/** A wait shorter than the patient's lockWaitMs is no trouble yet. */
const lasting = '1 second';

/** A forgotten transaction that holds up three others: ended, or alive and still holding them up. */
export const optionD: CrashCase = {
  name: 'option D stops a blocker',
  option: 'D',
  async prepare({ patient }) {
    const holder = await connect(patient);
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE orders IN ACCESS EXCLUSIVE MODE');
    const waiting = await Promise.all(Array.from({ length: waiters }, () => connect(patient)));
    const answers = waiting.map((client) =>
      client.query('SELECT count(*) FROM orders').then(
        () => 'went on',
        () => 'ended',
      ),
    );
    await expect.poll(() => readWaiting(patient, lasting), { timeout: 20_000 }).toBe(waiters);
    return {
      ask: { kind: 'stop-blockers' },
      async check({ result }) {
        const stillWaiting = await readWaiting(patient);
        const [item] = result?.report.items ?? [];
        const isAlive = stillWaiting === waiters;
        expect(stillWaiting).toBe(isAlive ? waiters : 0);
        const outcome = item?.outcome ?? 'not reached';
        expect(outcome).toMatch(isAlive ? /^(?:not reached|still there)$/ : /^(?:ended|unknown)$/);
        // Nobody but the blocker was ended, whatever happened.
        if (!isAlive) expect(new Set(await Promise.all(answers))).toEqual(new Set(['went on']));
      },
      async tidy() {
        await Promise.all([holder, ...waiting].map((one) => one.end().catch(() => undefined)));
        await untilWaiting(patient, 0);
      },
    };
  },
};

async function connect({ cluster }: Patient): Promise<Client> {
  const client = await openClient(cluster.url('app', databaseName), 'piled-up'); // one of them is ended by option D
  return client;
}

async function untilWaiting(patient: Patient, count: number): Promise<void> {
  await expect.poll(() => readWaiting(patient), { timeout: 20_000 }).toBe(count);
}

function readWaiting({ urls }: Patient, since = '0 seconds'): Promise<number> {
  const statement = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'
    AND application_name = 'piled-up' AND query_start < clock_timestamp() - $1::interval`;
  return asAdmin(urls.rescue, async (admin) => (await admin.query(statement, [since])).rows.length);
}
