import { expect, test } from 'vitest';
import {
  awaitApplications,
  readApplications,
} from '../../../src/runbook/remedies/b-raise-max-connections/boot.ts';
import type { SourceReading } from '../../../src/runbook/snapshot/snapshot.ts';
import { HandClock } from '../approvals/world.ts';
import { aReading, aService, aSnapshot, aSource, aTarget } from '../diagnose/builders.ts';

type Sources = readonly Partial<SourceReading>[] | null;

const working = { application: 'backend', total: 5, active: 2 };
const idle = { application: 'reports', total: 3, active: 0, idle: 3 };

/** What is said of the applications after a restart, and how long that took. */
async function after(
  before: Sources,
  now: (seconds: number) => Sources,
): Promise<{ said: string; seconds: number }> {
  const clock = new HandClock();
  const began = clock.now();
  let sources: (seconds: number) => Sources = () => before;
  const ports = {
    clock,
    returnWithinMs: 60_000,
    target: aTarget({
      services: [aService({ name: 'backend' }), aService({ name: 'reports' })],
    }),
    takeSnapshot: () => {
      const found = sources((clock.now() - began) / 1000);
      const reading =
        found === null ? null : aReading({ sources: found.map((one) => aSource(one)) });
      return Promise.resolve(aSnapshot({ reading }));
    },
  };
  const known = await readApplications(ports);
  sources = now;
  const said = await awaitApplications(ports, known);
  return { said, seconds: (clock.now() - began) / 1000 };
}

test('an application at work is waited for until it is back', async () => {
  const { said, seconds } = await after([working], (at) => (at < 20 ? [] : [working]));
  expect(said).toBe('backend 5 sessions (5 before), reports 0 sessions (0 before).');
  expect(seconds).toBe(20);
});

test('one at work that does not come back is told after a minute', async () => {
  const { said, seconds } = await after([working], () => []);
  expect(said).toContain('Not reconnected within 60 s: backend.');
  expect(seconds).toBe(60);
});

test('an idle pool has seconds to open its connections by itself, and is not waited for longer', async () => {
  const { said, seconds } = await after([idle], () => []);
  expect(said).toBe(
    'backend 0 sessions (0 before), reports 0 sessions (3 before). Idle before, and reconnecting with the next request: reports.',
  );
  expect(seconds).toBe(5);
  expect((await after([idle], (at) => (at < 2 ? [] : [idle]))).seconds).toBe(2);
});

test('an application that was not connected is not waited for at all', async () => {
  expect((await after([], () => [])).seconds).toBe(0);
});

test('while one at work is waited for, an idle one is told beside it', async () => {
  const { said } = await after([working, idle], () => []);
  expect(said).toContain('Not reconnected within 60 s: backend. Idle before');
});

test('where sessions cannot be read, that is what is said', async () => {
  expect((await after([working], () => null)).said).toContain('Sessions could not be read.');
});
