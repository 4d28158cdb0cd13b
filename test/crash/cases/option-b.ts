import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { asAdmin } from '../../../sandbox/patient/schema.ts';
import type { CrashCase } from '../crash-case.ts';

const raised = 45;

/** PostgreSQL is restarted with more connections: up it must be in any case, on either value. */
export const optionB: CrashCase = {
  name: 'option B raises max_connections',
  option: 'B',
  async prepare({ patient }) {
    const before = await readServer(patient);
    return {
      ask: { kind: 'raise-max-connections', to: raised },
      async check({ result }) {
        const now = await readServer(patient);
        const isRaised = now.inForce === raised;
        expect(now.inForce).toBe(isRaised ? raised : before.inForce);
        // Written and not in force, or the other way round: a later restart would surprise somebody.
        expect({ isWritten: now.isWritten, copies: now.copies }).toEqual({
          isWritten: isRaised,
          copies: 0,
        });
        expect(now.startedAt === before.startedAt).toBe(!isRaised);
        const outcome = result?.report.items[0]?.outcome ?? 'not reached';
        expect(outcome).toMatch(isRaised ? /^set$/ : /^(?:put back|not reached)$/);
      },
      async tidy() {
        const { isWritten } = await readServer(patient);
        if (!isWritten) return;
        await asAdmin(patient.urls.rescue, (admin) => admin.query('ALTER SYSTEM RESET ALL'));
        await patient.cluster.stop();
        await patient.cluster.start();
      },
    };
  },
};

interface Server {
  readonly inForce: number;
  readonly isWritten: boolean;
  readonly copies: number;
  readonly startedAt: string;
}

async function readServer({ cluster, urls }: Patient): Promise<Server> {
  const auto = await readFile(join(cluster.dataDirectory, 'postgresql.auto.conf'), 'utf8');
  const names = await readdir(cluster.dataDirectory);
  const statement = `SELECT current_setting('max_connections')::int AS "inForce",
      extract(epoch FROM pg_postmaster_start_time())::text AS "startedAt"`;
  const { rows } = await asAdmin(urls.rescue, (admin) =>
    admin.query<Pick<Server, 'inForce' | 'startedAt'>>(statement),
  );
  return {
    inForce: rows[0]?.inForce ?? 0,
    startedAt: rows[0]?.startedAt ?? '',
    isWritten: auto.includes('max_connections'),
    copies: names.filter((name) => name.includes('.dbconn-')).length,
  };
}
