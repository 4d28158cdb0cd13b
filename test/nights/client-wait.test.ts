import type { Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { quiet } from '../runbook/remedies/pile-up.ts';
import { runPlan } from '../runbook/remedies/option-b-on-cluster.ts';
import { until } from '../support/until.ts';
import { stopReading, stopSending } from './support/deaf-client.ts';
import { useNightServer } from './support/night-server.ts';
import { watch } from './support/night.ts';
import { optionD } from './support/option-d.ts';
import { variants } from './support/variants.ts';

/** Night 4: sessions in the middle of a statement whose client neither reads nor sends. A cancel does not reach them. */
const night = useNightServer({ settings: { max_connections: 60 } });
const limits = { slowQueryMs: 500 };

describe.each(variants)('clients that neither read nor send ($seed)', (variant) => {
  const { seeded, user, table, applications } = variant;
  const [readers, senders] = [seeded.between(3, 6), seeded.between(3, 6)];
  const clients = readers + senders;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    const { cluster, sessions } = night;
    await sessions.ask(`CREATE TABLE ${table} (id int)`);
    await sessions.ask(`CREATE ROLE ${user} LOGIN`);
    await sessions.ask(`GRANT ALL ON ${table} TO ${user}`);
    const way = { url: cluster.url(user), application: applications[0] };
    for (let opened = 0; opened < readers; opened += 1) sockets.push(await stopReading(way));
    for (let opened = 0; opened < senders; opened += 1) sockets.push(await stopSending(way, table));
    await sessions.openMany(seeded.between(2, 8), { user, application: applications[1] });
    await until('each has waited for its client for over a second', async () => {
      const waiting = await sessions.ask(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Client' AND state = 'active' AND now() - query_start > interval '1.2 s'`,
      );
      return waiting.length === clients;
    });
  });
  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await night.sessions.endAll();
  });

  test('are named, and terminated rather than cancelled', async () => {
    const monitor = watch(night.cluster, { limits });
    try {
      const { state, verdict, causes, proposals, findings } = await monitor.diagnose('night');
      expect(state).toBe('warning');
      expect(verdict).toContain('Likely cause: unresponsive clients.');
      expect(causes).toEqual([]);
      expect(findings.map(({ id }) => id)).not.toContain('slow-queries');
      expect(findings.find(({ id }) => id === 'client-wait')?.summary).toContain(
        `${clients} active session`,
      );
      expect(proposals).toMatchObject([{ option: 'D', command: 'propose D slow' }]);
      expect(proposals[0]?.summary).toMatch(new RegExp(`^End ${clients} sessions`));
    } finally {
      await monitor.close();
    }
    const remedy = optionD(night.cluster, { limits: { ...defaultLimits, ...limits } });
    const drafted = await remedy.propose({ kind: 'cancel-slow', runningForMs: 500 });
    if (!drafted.ok) throw new Error(drafted.refusal.why);
    const plan = { ...drafted.value, policyVersion: '', plannedAt: '' };
    expect(plan.targets.map((target) => target.kind === 'blocker' && target.how)).toEqual(
      Array.from({ length: clients }, () => 'terminate'),
    );
    expect(plan.title).toMatch(/^End \d+ sessions waiting for their clients/);
    const report = await runPlan(remedy, plan, quiet);
    expect(new Set(report.items.map(({ outcome }) => outcome))).toEqual(new Set(['ended']));
  });
});
