import { expect } from 'vitest';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { readHealth } from '../../../sandbox/patient/read-health.ts';
import type { CrashCase } from '../crash-case.ts';

const service = 'storefront-under-test';

/** A service of two replicas is restarted, one after the other. */
export const optionC: CrashCase = {
  name: 'option C restarts a service',
  option: 'C',
  async prepare({ patient, countCalls }) {
    if (replicasOf(patient).length === 0) await startService(patient);
    const before = new Map(replicasOf(patient).map(({ name, startedAt }) => [name, startedAt]));
    return {
      ask: { kind: 'restart', service },
      async check({ result }) {
        for (const replica of replicasOf(patient)) {
          const { id, name, startedAt } = replica;
          expect(await readHealth(replica)).toBe('healthy');
          const item = result?.report.items.find(({ what }) => what === name);
          const isNew = startedAt !== before.get(name);
          expect({ name, isNew }).toEqual({ name, isNew: item?.outcome === 'restarted' });
          expect(countCalls('restartReplica', id)).toBe(isNew ? 1 : 0);
        }
      },
      tidy: () => Promise.resolve(),
    };
  },
};

async function startService({ fleet }: Patient): Promise<void> {
  const pool = { poolSize: 1, maxOverflow: 0, poolTimeoutSeconds: 5 };
  await fleet.start([{ name: service, replicas: 2, role: 'app', ...pool }]);
}

function replicasOf({ fleet }: Patient): ReturnType<Patient['fleet']['replicasOf']> {
  return fleet.replicasOf(service);
}
