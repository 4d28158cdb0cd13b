import { expect } from 'vitest';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { asAdmin } from '../../../sandbox/patient/schema.ts';
import type { CrashCase } from '../crash-case.ts';
import { runSql } from '../../support/sql.ts';

const gid = 'forgotten';

/** A prepared transaction of the acting role: rolled back, or there as it was. */
export const prepared: CrashCase = {
  name: 'a prepared transaction is rolled back',
  option: 'prepared',
  async prepare({ patient }) {
    await runSql(
      patient.urls.privileged,
      'BEGIN',
      'SELECT pg_current_xact_id()',
      `PREPARE TRANSACTION '${gid}'`,
    );
    return {
      ask: { kind: 'rollback-prepared', gid },
      async check({ result }) {
        const isThere = await hasPrepared(patient);
        const outcome = result?.report.items[0]?.outcome ?? 'not reached';
        const told = isThere ? /^(?:not reached|still there)$/ : /^(?:rolled back|unknown)$/;
        expect(outcome).toMatch(told);
      },
      tidy: () =>
        asAdmin(patient.urls.rescue, async (admin) => {
          if (await hasPrepared(patient)) await admin.query(`ROLLBACK PREPARED '${gid}'`);
        }),
    };
  },
};

function hasPrepared({ urls }: Patient): Promise<boolean> {
  return asAdmin(urls.rescue, async (admin) => {
    const { rows } = await admin.query('SELECT FROM pg_prepared_xacts WHERE gid = $1', [gid]);
    return rows.length > 0;
  });
}
