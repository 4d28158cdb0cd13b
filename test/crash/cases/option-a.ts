import type { Client } from 'pg';
import { expect } from 'vitest';
import { asAdmin, databaseName } from '../../../sandbox/patient/schema.ts';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import type { CrashCase } from '../crash-case.ts';
import { openClient } from '../../support/sql.ts';

/** Three transactions left open by one application. */
export const optionA: CrashCase = {
  name: 'option A ends sessions',
  option: 'A',
  async prepare({ patient }) {
    const approved = await Promise.all([leak(patient), leak(patient), leak(patient)]);
    const pids = await readPids(patient);
    return {
      ask: { kind: 'idle-in-transaction', application: 'leaky', idleForMs: 1 },
      async check({ result }) {
        const alive = await readPids(patient);
        // A service that was in a transaction when it was proposed may be in the plan, and live on.
        const own = (result?.report.items ?? []).filter(({ what }) => pids.includes(toPid(what)));
        for (const { what, outcome } of own) {
          const isAlive = alive.includes(toPid(what));
          const saysAlive = outcome === 'still there' || outcome === 'not reached';
          expect({ what, isAlive }).toEqual({ what, isAlive: saysAlive });
        }
        // Nothing was done, or the report speaks of each of them.
        expect(result === null ? alive.length : own.length).toBe(approved.length);
      },
      async tidy() {
        await Promise.all(approved.map((client) => client.end().catch(() => undefined)));
        await expect.poll(() => readPids(patient), { timeout: 10_000 }).toEqual([]);
      },
    };
  },
};

async function leak({ cluster }: Patient): Promise<Client> {
  const client = await openClient(cluster.url('app', databaseName), 'leaky'); // it is ended by option A
  await client.query('BEGIN');
  return client;
}

function toPid(what: string): number {
  return Number(what.replace('pid ', ''));
}

function readPids({ urls }: Patient): Promise<number[]> {
  const statement = `SELECT pid FROM pg_stat_activity WHERE application_name = 'leaky'`;
  return asAdmin(urls.rescue, async (admin) => {
    const { rows } = await admin.query<{ pid: number }>(statement);
    return rows.map(({ pid }) => pid);
  });
}
