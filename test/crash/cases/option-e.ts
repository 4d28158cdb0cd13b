import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'vitest';
import type { Patient } from '../../../sandbox/patient/patient.ts';
import { readHealth } from '../../../sandbox/patient/read-health.ts';
import type { Report } from '../../../src/runbook/remedies/remedy.ts';
import type { CrashCase, CrashScene, Prepared } from '../crash-case.ts';

const service = 'storefront-under-test';
const old = { poolSize: 3, maxOverflow: 2 };

/** A service of two replicas gets smaller pools, one after the other. */
export const optionE = resize('option E resizes a pool', { poolSize: 2, maxOverflow: 1 });

/** The same with a size that the service does not start with. */
export const optionEBadValue = resize('option E puts a bad size back', {
  poolSize: 4,
  maxOverflow: 0,
});

function resize(name: string, fresh: typeof old): CrashCase {
  return { name, option: 'E', prepare: (scene) => prepare(scene, fresh) };
}

async function prepare({ patient }: CrashScene, fresh: typeof old): Promise<Prepared> {
  const { fleet } = patient;
  if (numbersOf(patient).join() !== [inWords(old), inWords(old)].join()) {
    await fleet.stop([service]);
    const pool = { ...old, poolTimeoutSeconds: 5, largestPool: 3 };
    await fleet.start([{ name: service, replicas: 2, role: 'app', ...pool }]);
  }
  const planned = await patient.services().planEdit({ service, ids: [], to: fresh });
  if (!planned.ok) throw new Error(planned.problem.summary);
  const { path } = planned.value.edit;
  const original = readFileSync(path);
  return {
    ask: { kind: 'resize-pool', service, size: fresh },
    async check({ result }) {
      const replicas = fleet.replicasOf(service);
      // Never two processes of a replica, never none.
      expect(replicas.map(({ name }) => name)).toEqual([`${service}-1`, `${service}-2`]);
      for (const replica of replicas) expect(await readHealth(replica)).toBe('healthy');
      const numbers = numbersOf(patient);
      const isNew = numbers.includes(inWords(fresh));
      // The file a container would be started from says what the containers have.
      const says = readFileSync(path, 'utf8');
      expect(says.includes(`DATABASE_POOL_SIZE=${fresh.poolSize}\n`)).toBe(isNew);
      if (!isNew) expect(says).toBe(original.toString('utf8'));
      expect(readdirSync(dirname(path))).toEqual(['.env']);
      if (result !== null) expectTruth(result.report, numbers, inWords(fresh));
    },
    tidy: () => Promise.resolve(writeFileSync(path, original)),
  };
}

/** The report speaks of each replica, and calls recreated those that have the new numbers. */
function expectTruth({ items }: Report, numbers: readonly string[], fresh: string): void {
  for (const [index, has] of numbers.entries()) {
    const item = items.find(({ what }) => what === `${service}-${index + 1}`);
    expect({ has, recreated: item?.outcome === 'recreated' }).toEqual({
      has,
      recreated: has === fresh,
    });
  }
}

function numbersOf({ fleet }: Patient): string[] {
  return fleet.replicasOf(service).map(({ options }) => inWords(options));
}

function inWords({ poolSize, maxOverflow }: typeof old): string {
  return `${poolSize} + ${maxOverflow}`;
}
