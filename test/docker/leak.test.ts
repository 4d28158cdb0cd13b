import { beforeAll, describe, expect, test } from 'vitest';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { findCanary, useStackMonitor } from './stack-monitor.ts';
import { whyNoEngine } from './engine.ts';
import { eventually } from './eventually.ts';
import { runSql } from '../support/sql.ts';

describe.skipIf(await whyNoEngine())('a backend that leaks its connections', () => {
  const { stack, monitor } = useStackMonitor(
    { maxConnections: 30 },
    {
      // Another name than its sessions give themselves: only their address tells whose they are.
      services: [{ name: 'backend', application: 'shop-web', workers: 1 }],
      limits: { idleInTransactionWarningMs: 1_000, terminateIdleInTransactionMs: 1_000 },
    },
  );
  let diagnosis: Diagnosis;
  beforeAll(async () => {
    const url = await stack.backendUrl();
    await fetch(`${url}/blab`, { method: 'POST' });
    await fetch(`${url}/leak?n=15`, { method: 'POST' });
    await Promise.all([1, 2].map(() => fetch(`${url}/query`)));
    diagnosis = await eventually(
      () => monitor.diagnose(),
      ({ leakSuspects }) => leakSuspects[0]?.sessions === 15,
    );
  });

  test('has a pool at its limit, by its own metrics, and requests that gave up, by its log', () => {
    expect(diagnosis.pools).toEqual([
      {
        service: 'backend',
        name: 'default',
        checkedOut: 15,
        size: 5,
        maxOverflow: 10,
        limit: 15,
        utilisation: 1,
      },
    ]);
    expect(diagnosis.findings).toContainEqual(
      expect.objectContaining({ id: 'pool-near-limit', severity: 'critical' }),
    );
    const log = diagnosis.logs.find(({ container }) => container.endsWith('-backend-1'));
    expect(log?.classes).toContainEqual(
      expect.objectContaining({ class: 'pool-timeout', count: 2 }),
    );
  });

  test('is found behind its idle transactions by the address of its container', async () => {
    const { NetworkSettings: settings } = await stack.docker
      .getContainer(stack.ids.backend[0] ?? '')
      .inspect();
    const client = settings.Networks[`${stack.project}_default`]?.IPAddress;
    expect(diagnosis.sources).toContainEqual(
      expect.objectContaining({
        service: 'backend',
        application: 'backend',
        client,
        total: 15,
        idleInTransaction: 15,
      }),
    );
    expect(diagnosis.budget.lines).toMatchObject([{ service: 'backend', mayOpen: 15, holds: 15 }]);
    expect(diagnosis.leakSuspects).toMatchObject([{ sessions: 15, hasWritten: 0 }]);
  });

  test('is what it is called, before any other cause', () => {
    const [first, second] = diagnosis.causes;
    expect(first).toMatchObject({
      cause: 'connection-leak',
      summary: 'Connections of backend are not returned.',
    });
    expect(first?.confidence).toBeGreaterThan(second?.confidence ?? 0);
  });

  test('is offered the end of its transactions first, and its restart after that', () => {
    expect(diagnosis.reach.via).not.toBe('none');
    expect(diagnosis.state).toBe('critical');
    expect(diagnosis.proposals).toMatchObject([
      { option: 'A', slotsFreed: 15 },
      { option: 'C', subject: 'backend', slotsFreed: 15, blocked: null },
    ]);
  });

  test('keeps its password and its literals to itself, though dbconn reads where they stand', async () => {
    const container = stack.docker.getContainer(stack.ids.backend[0] ?? '');
    const [{ Config: config }, log] = await Promise.all([
      container.inspect(),
      container.logs({ stdout: true, stderr: true }),
    ]);
    const rows = await runSql(stack.adminUrl, 'SELECT query FROM pg_stat_activity');
    expect(config.Env.join('\n')).toContain('app:app-secret@');
    expect(String(log)).toContain('app:app-secret@');
    expect(String(log)).toContain("'logged-literal'");
    expect(JSON.stringify(rows)).toContain("'leaked-literal'");

    const takeSnapshot = JSON.stringify(await monitor.takeSnapshot());
    expect(findCanary(takeSnapshot)).toBeUndefined();
    expect(findCanary(JSON.stringify(diagnosis))).toBeUndefined();
    // It was not missed: it was blanked.
    expect(takeSnapshot).toContain('no connection with postgresql+psycopg2://…');
    expect(diagnosis.leakSuspects[0]?.query).toMatch(/^select \S+$/);
  });
});
