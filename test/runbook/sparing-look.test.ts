import { expect, test } from 'vitest';

import { createTargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import type { TargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import { aReading, aSnapshot, aTarget } from './diagnose/builders.ts';
import type { Clock } from '../../src/timing.ts';

interface Watched {
  readonly monitor: TargetMonitor;
  readonly target: string;
  /** How often the containers, their logs, the pools and the database were read. */
  readonly reads: { services: number; logs: number; pools: number; database: number };
  /** From the next look on the database has so many client sessions, of 97. */
  readonly fill: (clients: number) => void;
  readonly wait: (ms: number) => void;
}

function aWatched(): Watched {
  const { database, pools, logs, services } = aSnapshot();
  const target = aTarget();
  const reads = { services: 0, logs: 0, pools: 0, database: 0 };
  let now = Date.parse('2026-11-23T03:00:00Z');
  let clients = 20;
  const clock: Clock = {
    now: () => now,
    sleep: (_, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('aborted')));
      }),
  };
  const count = <T>(what: keyof typeof reads, value: T): Promise<T> => {
    reads[what] += 1;
    return Promise.resolve(value);
  };
  const patient = {
    target,
    database: {
      readSnapshot: () =>
        count('database', { ...database, reading: aReading({ counts: { clients } }) }),
      close: () => Promise.resolve(),
    },
    pools: { readPools: () => count('pools', pools) },
    services: {
      readServices: () => count('services', services),
      readLogs: () => count('logs', logs),
    },
  };
  return {
    monitor: createTargetMonitor([patient], clock),
    target: target.name,
    reads,
    fill(value) {
      clients = value;
    },
    wait(ms) {
      now += ms;
    },
  };
}

test('while all is well, sparing looks read the containers and logs once a minute, and all else each time', async () => {
  const { monitor, target, reads, wait } = aWatched();
  for (let look = 0; look < 8; look += 1) {
    const { diagnosis } = await monitor.runCheck(target, 'sparing');
    expect(diagnosis.state).toBe('fine');
    wait(15_000);
  }
  expect(reads).toEqual({ services: 2, logs: 2, pools: 8, database: 8 });
});

test('a sparing look that finds trouble looks again at everything before it says so', async () => {
  const { monitor, target, reads, fill, wait } = aWatched();
  await monitor.runCheck(target, 'sparing');
  wait(15_000);
  fill(97);
  const { diagnosis, recent } = await monitor.runCheck(target, 'sparing');
  expect(diagnosis.state).toBe('critical');
  expect(recent).toHaveLength(1);
  expect(reads).toMatchObject({ services: 2, logs: 2 });
  await monitor.runCheck(target, 'sparing');
  expect(reads).toMatchObject({ services: 3, logs: 3, database: 4 });
});

test('a look that somebody asked for reads everything, however well all was a moment ago', async () => {
  const { monitor, target, reads } = aWatched();
  await monitor.runCheck(target, 'sparing');
  await monitor.runCheck(target);
  await monitor.diagnose(target);
  expect(reads).toEqual({ services: 3, logs: 3, pools: 3, database: 3 });
});

test('a sparing look tells of the containers what the last whole one saw', async () => {
  const { monitor, target } = aWatched();
  const whole = await monitor.runCheck(target, 'sparing');
  const skipped = await monitor.runCheck(target, 'sparing');
  expect(skipped.snapshot.services).toEqual({ ...whole.snapshot.services, tookMs: 0 });
  expect(skipped.snapshot.logs).toEqual({ ...whole.snapshot.logs, tookMs: 0 });
  expect(skipped.diagnosis.findings).toEqual(whole.diagnosis.findings);
});
