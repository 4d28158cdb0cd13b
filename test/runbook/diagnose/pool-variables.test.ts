import { expect, test } from 'vitest';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import type { Proposal } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { ServiceReading } from '../../../src/runbook/snapshot/snapshot.ts';
import type { PoolVariables } from '../../../src/runbook/snapshot/target.ts';
import * as scenes from './scenes.ts';

interface Change {
  readonly poolVariables?: PoolVariables;
  readonly fixedPool?: NonNullable<ServiceReading['fixedPool']>;
}

/** The proposal to make a pool of 90 + 0 smaller, where the containers and their files say this. */
function resizeOf({ poolVariables, fixedPool }: Change): Proposal | undefined {
  const night = scenes.poolTooLarge();
  const { services: part } = night.snapshot;
  if (!part.ok) throw new Error('The scene has containers.');
  const services = part.value.services.map((service) => ({
    ...service,
    ...(fixedPool !== undefined && { fixedPool }),
    replicas: service.replicas.map((replica) => ({
      ...replica,
      ...(poolVariables !== undefined && { poolVariables }),
    })),
  }));
  const snapshot = { ...night.snapshot, services: { ...part, value: { ...part.value, services } } };
  return diagnose({ ...night, snapshot }).proposals.find(({ option }) => option === 'E');
}

test('a pool is resized by the names its service has', () => {
  const poolVariables = { size: 'SQLALCHEMY_POOL_SIZE', overflow: 'SQLALCHEMY_MAX_OVERFLOW' };
  const proposal = resizeOf({ poolVariables });
  expect(proposal?.summary).toContain('to SQLALCHEMY_POOL_SIZE=48 and SQLALCHEMY_MAX_OVERFLOW=24');
  expect(proposal).toMatchObject({ blocked: null, command: 'propose E backend' });
});

test('a pool that has a maximum only gets the whole of it in one number', () => {
  const proposal = resizeOf({ poolVariables: { size: 'DB_POOL_MAX' } });
  expect(proposal?.summary).toContain('from 90 + 0 to DB_POOL_MAX=72 per process');
});

test('what dbconn cannot write says why, and its plan is for a person', () => {
  const literal = 'DB_POOL of backend is written in compose.yml, line 14.';
  const fixed = resizeOf({ poolVariables: { size: 'DB_POOL' }, fixedPool: { size: literal } });
  expect(fixed).toMatchObject({ blocked: literal });
  expect(fixed?.command).toBe('propose E backend');
  const unknown = resizeOf({ poolVariables: {} });
  expect(unknown?.blocked).toContain('no variable for the pool size');
  expect(unknown?.command).toBeUndefined();
});

test('where only the overflow cannot be set, the size alone is', () => {
  const overflow = 'DB_MAX_OVERFLOW of backend is written in compose.yml, line 15.';
  const half = resizeOf({ poolVariables: { size: 'A', overflow: 'B' }, fixedPool: { overflow } });
  expect(half?.summary).toContain('from 90 + 0 to A=72 and B=0 per process');
  expect(half).toMatchObject({ blocked: null, command: 'propose E backend' });
});
