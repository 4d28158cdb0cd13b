import { expect } from 'vitest';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { asAdmin } from '../../../sandbox/patient/schema.ts';
import type { CrashCase } from '../crash-case.ts';

const setting = 'idle_in_transaction_session_timeout';

/** A time-out for everybody: written into a file first, in force only after a reload. */
export const prevention: CrashCase = {
  name: 'prevention sets a time-out',
  option: 'prevention',
  async prepare({ patient }) {
    expect(await readPlaces(patient)).toEqual({ written: null, holds: '0' });
    return {
      ask: { kind: 'set-timeout', setting, role: null, ms: 600_000 },
      async check({ result }) {
        const [item] = result?.report.items ?? [];
        // Never written and not in force: a later reload would surprise somebody.
        expect(await readPlaces(patient)).toEqual(
          item?.outcome === 'set'
            ? { written: '600000ms', holds: '600000' }
            : { written: null, holds: '0' },
        );
        expect(item?.outcome ?? 'not reached').toMatch(/^(?:set|not reached)$/);
      },
      async tidy() {
        await asAdmin(patient.urls.rescue, async (admin) => {
          await admin.query(`ALTER SYSTEM RESET ${setting}`);
          await admin.query('SELECT pg_reload_conf()');
        });
        await expect
          .poll(() => readPlaces(patient), { timeout: 10_000 })
          .toEqual({ written: null, holds: '0' });
      },
    };
  },
};

interface Places {
  readonly written: string | null;
  readonly holds: string;
}

function readPlaces({ urls }: Patient): Promise<Places | undefined> {
  const statement = `
    SELECT s.setting AS holds, (SELECT f.setting FROM pg_file_settings f WHERE f.name = s.name) AS written
      FROM pg_settings s WHERE s.name = $1`;
  return asAdmin(urls.rescue, async (admin) => {
    const { rows } = await admin.query<Places>(statement, [setting]);
    return rows[0];
  });
}
