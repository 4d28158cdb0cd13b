import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BackendProcess } from '../../sandbox/patient/backend-process.ts';
import { startCluster } from '../../sandbox/patient/cluster.ts';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { createShop, databaseName } from '../../sandbox/patient/schema.ts';
import { findFreePort } from '../../sandbox/patient/free-port.ts';
import { Sessions } from '../support/sessions.ts';
import type { Session } from '../support/sessions.ts';
import { startChain } from './support/chain.ts';
import type { Chain } from './support/chain.ts';
import { eventually } from './support/eventually.ts';
import { findMissingTools, whatIsMissing } from './support/tools.ts';
import { openIntake, intakeTarget } from './support/intake.ts';
import type { Intake } from './support/intake.ts';

const token = 'a-token-of-the-chain';
const poolExhausted = 'SQLAlchemyPoolExhausted';
const exhausted = 'DatabaseConnectionPoolExhausted';
const unobservable = 'DatabaseConnectionPoolUnobservable';

/** One server through one night: each test goes on where the one before ended. */
describe.skipIf(findMissingTools().length > 0)(`a full server${whatIsMissing()}`, () => {
  let cluster: Cluster;
  let sessions: Sessions;
  let intake: Intake;
  let chain: Chain;
  let backend: BackendProcess;
  const crowd: Session[] = [];

  beforeAll(async () => {
    const port = await findFreePort();
    // Of 30 slots an ordinary role can have 25.
    cluster = await startCluster({
      settings: { max_connections: 30, superuser_reserved_connections: 3, reserved_connections: 2 },
    });
    await createShop(cluster);
    backend = new BackendProcess({
      service: 'backend',
      number: 1,
      databaseUrl: cluster.url('app', databaseName),
      localAddress: '127.0.0.1',
      poolSize: 2,
      maxOverflow: 1,
      poolTimeoutSeconds: 1,
    });
    await backend.start();
    sessions = new Sessions(cluster);
    await sessions.ask('CREATE ROLE exporter LOGIN IN ROLE pg_monitor');
    intake = await openIntake([intakeTarget('orders', 'shop'), intakeTarget('billing', 'office')], {
      port,
      token,
    });
    chain = await startChain({
      exporterUrl: cluster.url('exporter'),
      labels: { compose_project: 'shop', compose_service: 'postgres' },
      backends: [
        {
          address: new URL(backend.url).host,
          labels: { compose_project: 'office', compose_service: 'backend' },
        },
      ],
      dbconn: `127.0.0.1:${port}`,
      token,
    });
  });

  afterAll(async () => {
    await chain?.close();
    await intake?.close();
    await backend?.stop();
    await sessions?.close();
    await cluster?.close();
  });

  /** Until PostgreSQL refuses: how many others there are is not ours to know. */
  async function fill(): Promise<void> {
    for (;;) {
      try {
        crowd.push(await sessions.open({ user: 'app', application: 'backend' }));
      } catch {
        return;
      }
    }
  }

  async function explain(): Promise<string> {
    const incidents = [await intake.incident('orders'), await intake.incident('billing')];
    return `Prometheus: ${(await chain.firing()).join()}; incidents: ${JSON.stringify(incidents)}`;
  }

  test('a healthy server fires nothing', async () => {
    await eventually('the exporter reads it', async () => (await chain.query('pg_up')) === 1);
    await eventually('the pool is read', async () => {
      return (await chain.query('sqlalchemy_pool_size')) === 2;
    });
    const firing = await chain.firing();
    expect(firing.filter((name) => !name.startsWith('Dbconn'))).toEqual([]);
  });

  test('a pool whose overflow is used up is an incident of the other target, and a warning', async () => {
    await intake.start();
    await backend.post({ kind: 'leak', everyMs: 50, mode: 'autocommit' });
    await eventually(
      'the pool fires',
      async () => (await intake.firing('billing')).includes(poolExhausted),
      explain,
    );
    expect(await intake.incident('billing')).toMatchObject({ state: 'open', severity: 'warning' });
  });

  test('a pool that is gone ends its alert, and the incident waits for a look', async () => {
    await backend.stop();
    await eventually(
      'the alert ended',
      async () => (await intake.ended('billing')).includes(poolExhausted),
      explain,
    );
    expect(await intake.incident('billing')).toMatchObject({ state: 'open' });
  });

  test('an alert that fires while dbconn is down arrives when it is up again', async () => {
    await intake.stop();
    await fill();
    await eventually('the alert fires', async () => (await chain.firing()).includes(exhausted));
    await intake.start();
    await eventually(
      'the incident is there',
      async () => (await intake.firing('orders')).includes(exhausted),
      explain,
    );
    expect(await intake.ended('orders')).toEqual([]);
  });

  test('it is an incident of the target that its labels name, and of no other', async () => {
    expect(await intake.incident('orders')).toMatchObject({
      state: 'open',
      severity: 'critical',
      target: 'orders',
      triggers: [{ kind: 'alert', name: exhausted, endedAt: null }],
    });
    expect((await intake.incident('billing'))?.triggers).toHaveLength(1);
  });

  test('Alertmanager’s repetitions change nothing', async () => {
    const before = await intake.incident('orders');
    const notifications = async (): Promise<number> => {
      const text = await (await fetch(`${chain.alertmanagerUrl}/metrics`)).text();
      const counted = /^alertmanager_notifications_total\{integration="webhook"[^}]*\} (\d+)/m;
      return Number(counted.exec(text)?.[1]);
    };
    const first = await notifications();
    await eventually('it told twice more', async () => (await notifications()) >= first + 2);
    expect(await intake.incident('orders')).toEqual(before);
  });

  test('an exporter that is locked out makes the alert vanish, and another one fires', async () => {
    // Whoever waits for a slot takes those of the exporter's connections that break.
    await eventually('the exporter is out and the server is full', async () => {
      await sessions.ask(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'exporter'`,
      );
      await fill();
      // It says 0, or nothing at all while it tries again and again.
      return (await chain.query('pg_up')) !== 1;
    });
    await eventually(
      'the second alert joined, and the first one ended',
      async () =>
        (await intake.firing('orders')).includes(unobservable) &&
        (await intake.ended('orders')).includes(exhausted),
      explain,
    );
    expect(await intake.incident('orders')).toMatchObject({ state: 'open', severity: 'critical' });
  });

  test('when the server is emptied the alerts end, and the incident waits for a look', async () => {
    await Promise.all(crowd.map(({ client }) => client.end()));
    await eventually(
      'no alert fires any more',
      async () => (await intake.firing('orders')).length === 0,
      explain,
    );
    expect(await intake.incident('orders')).toMatchObject({ state: 'open' });
  });

  test('Prometheus reads what dbconn counted of it', async () => {
    const counted = async (): Promise<number> =>
      (await chain.query('sum(dbconn_alerts_total{job="dbconn",outcome=~"opened|joined"})')) ?? 0;
    // Two, and one for each time the exporter got in again for a moment.
    await eventually(
      'the alerts are counted',
      async () => (await counted()) >= 2,
      async () => `It counts ${await counted()}.`,
    );
    expect(await chain.query('dbconn_webhooks_total{status="401"}')).toBe(0);
  });
});
