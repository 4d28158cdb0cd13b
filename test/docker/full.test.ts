import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStackMonitor, useStackMonitor } from './stack-monitor.ts';
import type { StackMonitor } from './stack-monitor.ts';
import { whyNoEngine } from './engine.ts';
import { eventually } from './eventually.ts';
import { fill } from './fill.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';

const reason = await whyNoEngine();
function like(pattern: RegExp): unknown {
  return expect.stringMatching(pattern);
}

describe.skipIf(reason)(
  'with every slot of ordinary roles taken and no connection kept warm',
  () => {
    let stack: Stack;
    let clients: Client[];
    const monitors: StackMonitor[] = [];
    beforeAll(async () => {
      stack = await startStack({ maxConnections: 20 });
      await fetch(`${await stack.backendUrl()}/leak?n=10`, { method: 'POST' });
      clients = await fill(stack.appUrl);
    });
    afterAll(async () => {
      await Promise.all(clients.map((client) => client.end()));
      try {
        await Promise.all(monitors.map((monitor) => monitor.close()));
      } finally {
        await stack.close();
      }
    });

    function monitorWith(exec: boolean): StackMonitor {
      const monitor = createStackMonitor(stack, { exec });
      monitors.push(monitor);
      return monitor;
    }

    test('psql in the container answers where that is allowed, and the diagnosis says that it did', async () => {
      const monitor = monitorWith(true);
      // All rungs share 4 s, and this machine may be busy.
      const diagnosis = await eventually(
        () => monitor.diagnose(),
        ({ reach }) => reach.via === 'exec',
      );
      expect(diagnosis.reach).toMatchObject({
        error: { kind: 'full' },
        rungs: [
          { rung: 'connection', outcome: like(/no slot left/) },
          { rung: 'exec', outcome: 'answered' },
        ],
      });
      expect(diagnosis.state).toBe('critical');
      expect(diagnosis.capacity).toMatchObject({ usable: 17, free: 0 });
      expect(diagnosis.sources).toContainEqual(
        expect.objectContaining({ service: 'backend', user: 'app', total: 10 }),
      );
      expect(diagnosis.findings).toContainEqual(
        expect.objectContaining({
          id: 'server-full',
          summary: like(/another connection \(exec\)/),
        }),
      );
    });

    test('without that permission no rung answers, and the process titles name who sits there', async () => {
      const diagnosis = await monitorWith(false).diagnose();
      expect(diagnosis.tookMs).toBeLessThan(5_000);
      expect(diagnosis).toMatchObject({
        state: 'critical',
        capacity: null,
        reach: { via: 'none', error: { kind: 'full', fix: like(/execUser/) } },
      });
      const titles = diagnosis.findings.find(({ id }) => id === 'process-titles');
      expect(titles?.figure?.value).toBeGreaterThanOrEqual(17);
      expect(titles?.summary).toContain('10 idle in transaction');
      expect(titles?.evidence).toContainEqual(like(/^10 of app on shop from \d/));
      expect(diagnosis.budget.lines).toMatchObject([{ service: 'backend', holds: 10 }]);
    });
  },
);

describe.skipIf(reason)('with an application that is a superuser', () => {
  const { stack, monitor } = useStackMonitor(
    {
      maxConnections: 20,
      backendEnv: {
        DATABASE_URL: 'postgresql+psycopg2://postgres:stack-secret@postgres/shop',
        DATABASE_MAX_OVERFLOW: '20',
      },
    },
    { limits: { idleInTransactionWarningMs: 1_000, terminateIdleInTransactionMs: 1_000 } },
  );
  beforeAll(async () => {
    await monitor.diagnose(); // has a connection from here on
    const url = await stack.backendUrl();
    let status = 200;
    while (status === 200) status = (await fetch(`${url}/leak?n=1`, { method: 'POST' })).status;
  });

  test('the reserved slots go too, and that is told with the way out', async () => {
    const diagnosis = await monitor.diagnose();
    expect(diagnosis.reach.via).toBe('warm');
    expect(diagnosis.capacity?.used).toBeGreaterThan(diagnosis.capacity?.usable ?? 0);
    expect(diagnosis.findings).toContainEqual(
      expect.objectContaining({
        id: 'superuser-application',
        severity: 'critical',
        summary: like(/reserved slots/),
        fix: like(/^CREATE ROLE "postgres_login" LOGIN/),
      }),
    );
    const admin = new Client(stack.adminUrl);
    await expect(admin.connect()).rejects.toThrow('too many clients already');
  });

  test('its sessions cannot be ended from here, and its restart is offered instead', async () => {
    const { proposals } = await eventually(
      () => monitor.diagnose(),
      (diagnosis) => diagnosis.proposals.some(({ option }) => option === 'A'),
    );
    expect(proposals.find(({ option }) => option === 'A')).toMatchObject({
      blocked: like(/only a superuser may end its sessions/),
    });
    expect(proposals.find(({ option }) => option === 'C')).toMatchObject({
      subject: 'backend',
      blocked: null,
    });
  });
});
