import { expect } from 'vitest';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { asAdmin } from '../../../sandbox/patient/schema.ts';
import type { CrashCase } from '../crash-case.ts';

const role = 'crash_strangers';

/** A connection limit for one role: one statement, which is written or is not. */
export const connectionLimit: CrashCase = {
  name: 'prevention limits the connections of a role',
  option: 'prevention',
  async prepare({ patient }) {
    await asAdmin(patient.urls.rescue, async (admin) => {
      await admin.query(`CREATE ROLE ${role} LOGIN CONNECTION LIMIT 30`);
      await admin.query(`GRANT ${role} TO dbconn_acting WITH ADMIN OPTION`);
      await admin.query('ALTER ROLE dbconn_acting CREATEROLE');
    });
    return {
      ask: { kind: 'limit-connections', role, limit: 20 },
      async check({ result }) {
        const outcome = result?.report.items[0]?.outcome ?? 'not reached';
        expect(outcome).toMatch(/^(?:set|not reached)$/);
        expect(await readLimit(patient)).toBe(outcome === 'set' ? 20 : 30);
      },
      async tidy() {
        await asAdmin(patient.urls.rescue, async (admin) => {
          await admin.query('ALTER ROLE dbconn_acting NOCREATEROLE');
          await admin.query(`DROP ROLE ${role}`);
        });
      },
    };
  },
};

function readLimit({ urls }: Patient): Promise<number | undefined> {
  return asAdmin(urls.rescue, async (admin) => {
    const { rows } = await admin.query<{ limit: number }>(
      'SELECT rolconnlimit AS limit FROM pg_roles WHERE rolname = $1',
      [role],
    );
    return rows[0]?.limit;
  });
}
