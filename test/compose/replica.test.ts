import { describe, expect, test } from 'vitest';
import { readPoolSettings } from '../../src/docker/pool-settings.ts';
import { Inspected, toReplica } from '../../src/docker/containers.ts';
import type { ReplicaReading } from '../../src/runbook/snapshot/snapshot.ts';
import { inspected } from './fake-engine.ts';
import type { InspectedState } from './fake-engine.ts';

const found = {
  id: 'backend1'.padEnd(64, '0'),
  name: 'shop-backend-1',
  service: 'backend',
  number: 1,
  state: 'running',
  status: 'Up',
};

function replica(state: InspectedState = {}, more: object = {}): ReplicaReading {
  return toReplica(found, Inspected.parse(inspected(state, more)));
}

const beforeStart = { Start: '2026-11-23T02:59:59.9Z', Output: 'ok' };
const afterStart = { Start: '2026-11-23T03:00:01+00:00', Output: 'ok' };

describe('a replica', () => {
  test('carries its addresses and its pool, and nothing else of its environment', () => {
    const read = replica();
    expect(read).toMatchObject({
      id: 'backend10000',
      addresses: ['172.18.0.3', 'fd00::3'],
      pool: { size: 7, maxOverflow: null },
      startedAt: '2026-11-23T03:00:00.123456789Z',
      exitCode: null,
    });
    expect(JSON.stringify(read)).not.toMatch(/hunter2|k3y/);
  });

  test.for<[string, InspectedState, ReplicaReading['health']]>([
    ['without a health check', {}, 'none'],
    [
      'healthy by a check of this run',
      { Health: { Status: 'healthy', Log: [beforeStart, afterStart] } },
      'healthy',
    ],
    [
      'healthy by the run before only',
      { Health: { Status: 'healthy', Log: [beforeStart] } },
      'starting',
    ],
    [
      'unhealthy by the run before only',
      { Health: { Status: 'unhealthy', Log: [beforeStart] } },
      'starting',
    ],
    ['unhealthy now', { Health: { Status: 'unhealthy', Log: [afterStart] } }, 'unhealthy'],
    ['not checked yet', { Health: { Status: 'starting', Log: null } }, 'starting'],
    [
      'stopped, whatever was last known',
      { Running: false, Status: 'exited', Health: { Status: 'healthy', Log: [afterStart] } },
      'none',
    ],
    ['with a check switched off', { Health: { Status: 'none', Log: [] } }, 'none'],
  ])('%s', ([, state, health]) => {
    expect(replica(state).health).toBe(health);
  });

  test('that ended keeps its code and its reason; one never started has no start time', () => {
    expect(
      replica(
        { Running: false, Status: 'exited', ExitCode: 137, OOMKilled: true },
        { RestartCount: 4 },
      ),
    ).toMatchObject({ state: 'exited', exitCode: 137, oomKilled: true, restarts: 4 });
    expect(
      replica({ Running: false, Status: 'created', StartedAt: '0001-01-01T00:00:00Z' }).startedAt,
    ).toBeNull();
    // Docker calls a container between two starts running.
    expect(replica({ Restarting: true, Status: 'restarting', ExitCode: 3 }).exitCode).toBe(3);
  });
});

describe('the pool settings of an environment', () => {
  test('are the five of the runbook', () => {
    expect(
      readPoolSettings([
        'DATABASE_POOL_SIZE=1',
        'DATABASE_POOL_SIZE=20',
        'DATABASE_MAX_OVERFLOW=-1',
        'DATABASE_POOL_TIMEOUT=2.5',
        'DATABASE_POOL_RECYCLE=1800',
        'DATABASE_POOL_PRE_PING=True',
      ]),
    ).toEqual({
      size: 20,
      maxOverflow: -1,
      timeoutSeconds: 2.5,
      recycleSeconds: 1800,
      prePing: true,
    });
  });

  test.for(['', 'abc', '5x', '0x10', '1e9', 'Infinity', '5.5', '9'.repeat(40)])(
    'a size of "%s" is no size',
    (value) => {
      expect(readPoolSettings([`DATABASE_POOL_SIZE=${value}`]).size).toBeNull();
    },
  );

  test('a name that only begins alike is another name', () => {
    expect(readPoolSettings(['DATABASE_POOL_SIZE_OLD=3', 'XDATABASE_POOL_SIZE=4']).size).toBeNull();
    expect(readPoolSettings(['DATABASE_POOL_PRE_PING=off']).prePing).toBe(false);
    expect(readPoolSettings(['DATABASE_POOL_PRE_PING=perhaps']).prePing).toBeNull();
  });
});
