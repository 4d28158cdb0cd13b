import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { TargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import { MovingClock } from '../runbook/incidents/moving-clock.ts';
import type { Session } from '../support/sessions.ts';
import { watch } from './support/night.ts';
import { everyVariant } from './support/variants.ts';
import { useNightServer } from './support/night-server.ts';

/** Night 29: connections that come all at once, again and again, or once after a fail-over. */
const server = useNightServer({ settings: { max_connections: 60 } });
const minuteMs = 60_000;

describe.each(everyVariant)('what comes at once ($seed)', ({ seeded, user, applications }) => {
  const period = seeded.between(8, 15);
  const base = seeded.between(4, 8);
  const burst = seeded.between(12, 20);
  let clock: MovingClock;
  let monitor: TargetMonitor;

  const open = (count: number): Promise<Session[]> =>
    server.sessions.openMany(count, { user, application: applications[0] });
  const close = (opened: readonly Session[]): Promise<unknown> =>
    Promise.all(opened.map(({ client }) => client.end()));
  const check = async (minutes = 1): Promise<Diagnosis> => {
    const diagnosis = await monitor.diagnose('night');
    await clock.move(minutes * minuteMs);
    return diagnosis;
  };
  /** One burst, and the quiet minutes until the next one. */
  const burstThenRest = async (minutes: number): Promise<Diagnosis> => {
    const opened = await open(burst);
    let last = await check();
    await close(opened);
    for (let minute = 1; minute < minutes; minute += 1) last = await check();
    return last;
  };
  const idsOf = ({ findings }: Diagnosis): string[] => findings.map(({ id }) => id);

  beforeAll(() => server.sessions.ask(`CREATE ROLE ${user} LOGIN`));
  beforeEach(async () => {
    clock = new MovingClock();
    monitor = watch(server.cluster, { clock });
    await open(base);
    await check();
    await check();
  });
  afterEach(async () => {
    await monitor.close();
    await server.sessions.endAll();
  });

  test('bursts at equal distances are a rhythm with its period, and no cause', async () => {
    const first = await burstThenRest(period);
    const second = await burstThenRest(period);
    expect(idsOf(first)).not.toContain('connection-rhythm');
    expect(idsOf(second)).not.toContain('connection-rhythm');
    const third = await burstThenRest(period);
    const { state, causes, headline, findings } = third;
    const found = findings.find(({ id }) => id === 'connection-rhythm');
    expect(found?.severity).toBe('info');
    expect(found?.summary).toMatch(
      new RegExp(`^Every (${period}|${period - 1}|${period + 1}) minutes`),
    );
    expect(found?.summary).toContain('3 times');
    expect(state).toBe('fine');
    expect(causes).toEqual([]);
    expect(headline).not.toContain('full in');
  });

  test('bursts at any distance are none', async () => {
    await burstThenRest(4);
    await burstThenRest(13);
    await burstThenRest(7);
    expect(idsOf(await burstThenRest(4))).not.toContain('connection-rhythm');
  });

  test('clients that come back all at once are a storm, where they were there before', async () => {
    const before = await open(40 - base);
    expect(idsOf(await check(6))).not.toContain('reconnect-storm');
    await close(before);
    await open(40 - base);
    const { findings } = await check();
    const found = findings.find(({ id }) => id === 'reconnect-storm');
    expect(found?.summary).toContain('reconnected all at once');
  });
});
