import { afterEach, expect, test } from 'vitest';
import { createHealth, createPulse } from '../../src/http/health.ts';
import type { HealthCheck } from '../../src/http/health.ts';

import { serve } from './served.ts';
import type { Served } from './served.ts';
import type { Clock } from '../../src/timing.ts';

let served: Served | undefined;

afterEach(async () => {
  await served?.close();
  served = undefined;
});

async function answers(
  check: Pick<HealthCheck, 'weight' | 'read'>,
): Promise<Record<string, readonly [number, unknown]>> {
  const incidents = { alert: () => Promise.reject(new Error('unused')) };
  served = await serve({ incidents, checks: [{ name: 'test', ...check }] });
  const [healthz, readyz] = await Promise.all([served.get('/healthz'), served.get('/readyz')]);
  return {
    healthz: [healthz.status, await healthz.json()],
    readyz: [readyz.status, await readyz.json()],
  };
}

test('while everything holds, both say so', async () => {
  const ok = [200, { state: 'ok', problems: [] }];
  expect(await answers({ weight: 'alive', read: () => null })).toEqual({ healthz: ok, readyz: ok });
});

test('Slack being down makes it unready, but is no reason to restart it', async () => {
  const problems = ['Slack is not connected.'];
  expect(await answers({ weight: 'ready', read: () => 'Slack is not connected.' })).toEqual({
    healthz: [200, { state: 'degraded', problems }],
    readyz: [503, { state: 'failing', problems }],
  });
});

test('an overdue escalation is named in both, and takes it out of neither', async () => {
  const problems = ['1 step of an escalation is overdue.'];
  const told = [200, { state: 'degraded', problems }];
  const check = { weight: 'told', read: () => Promise.resolve(problems[0] ?? '') } as const;
  expect(await answers(check)).toEqual({ healthz: told, readyz: told });
});

test('a check that fails is a problem without its words', async () => {
  const check = { weight: 'ready', read: () => Promise.reject(new Error('/secret')) } as const;
  const { readyz } = await answers(check);
  expect(readyz).toEqual([503, { state: 'failing', problems: ['The check of test failed.'] }]);
});

interface MovedClock extends Clock {
  move(ms: number): void;
}

/** Sleeps end at once, so that a check which never answers is late. */
function movedClock(): MovedClock {
  let now = 0;
  return {
    now: () => now,
    sleep: () => Promise.resolve(),
    move(ms) {
      now += ms;
    },
  };
}

test('a check that never answers is a problem after two seconds', async () => {
  const hanging: HealthCheck = {
    name: 'journal',
    weight: 'ready',
    read: () => new Promise<never>(() => undefined),
  };
  const report = await createHealth([hanging], movedClock()).ready();
  expect(report.problems).toEqual(['The check of journal takes longer than 2 s.']);
});

test('a loop that stands still fails the process, until it goes round again', async () => {
  const clock = movedClock();
  const pulse = createPulse({ name: 'round of incidents', withinMs: 60_000 }, clock);
  const health = createHealth([pulse.check], clock);
  clock.move(60_000);
  expect((await health.live()).state).toBe('ok');
  clock.move(1000);
  expect(await health.live()).toEqual({
    state: 'failing',
    problems: ['The round of incidents has been stuck for 61 s.'],
  });
  pulse.beat();
  clock.move(1000);
  expect((await health.live()).state).toBe('ok');
});

test('asking often does not check often', async () => {
  const clock = movedClock();
  let reads = 0;
  const read = (): null => {
    reads += 1;
    return null;
  };
  const health = createHealth([{ name: 'journal', weight: 'ready', read }], clock);
  await Promise.all([health.live(), health.ready(), health.live()]);
  expect(reads).toBe(1);
  clock.move(1000);
  await health.live();
  expect(reads).toBe(2);
});

test('an answer is not remembered for hours because the clock was set back', async () => {
  let nowMs = 10_000_000;
  let problem: string | null = null;
  const clock: Clock = { now: () => nowMs, sleep: () => new Promise(() => undefined) };
  const health = createHealth([{ name: 'test', weight: 'ready', read: () => problem }], clock);
  expect((await health.ready()).state).toBe('ok');
  nowMs -= 3_600_000;
  problem = 'Slack is not connected.';
  expect((await health.ready()).state).toBe('failing');
});
