import { afterEach, beforeEach } from 'vitest';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { systemClock } from '../../src/timing.ts';
import { createIdleSessions } from '../../src/postgres/privileged/idle-sessions.ts';
import { createOptionA } from '../../src/runbook/remedies/a-terminate-idle/terminate-idle.ts';
import type { Remedy } from '../../src/runbook/remedies/remedy.ts';
import { SlowRoad } from '../endurance/slow-road.ts';
import { aTarget } from '../runbook/diagnose/builders.ts';
import type { Sessions } from '../support/sessions.ts';
import { useServer } from '../support/server.ts';

/** A server that the acting role reaches by a slow road; the sessions of `app` are whom it may end. */
export class LateStage {
  readonly cluster: Cluster;
  readonly sessions: Sessions;
  readonly road: SlowRoad;

  constructor(cluster: Cluster, sessions: Sessions, road: SlowRoad) {
    this.cluster = cluster;
    this.sessions = sessions;
    this.road = road;
  }

  urlByRoad(): string {
    const url = new URL(this.cluster.url('acting'));
    url.port = String(this.road.port);
    return url.href;
  }

  /** Leaves so many transactions open. */
  async leak(count: number): Promise<void> {
    const opened = await this.sessions.openMany(count, { user: 'app', application: 'web' });
    for (const session of opened) await session.run('BEGIN', 'SELECT 1');
  }

  async alive(): Promise<number> {
    return (await this.sessions.ask(`SELECT FROM pg_stat_activity WHERE usename = 'app'`)).length;
  }

  optionA(): Remedy {
    const ports = { clock: systemClock, target: aTarget() };
    return createOptionA({ ...ports, privileged: createIdleSessions({ url: this.urlByRoad() }) });
  }
}

/** Sets it up for every test of a file, with a road of its own for each. */
export function useLateStage(): () => LateStage {
  const server = useServer({ settings: { max_connections: 30 } }, [
    'CREATE ROLE app LOGIN',
    'CREATE ROLE acting LOGIN',
    'GRANT pg_monitor, pg_signal_backend TO acting',
  ]);
  let stage: LateStage;
  beforeEach(async () => {
    const { cluster, sessions } = server;
    stage = new LateStage(cluster, sessions, await SlowRoad.to(cluster.port));
  });
  afterEach(async () => {
    stage.road.close();
    await stage.sessions.endAll();
  });
  return () => stage;
}

export const guard = { protectedApplications: [], poolerApplications: [], applicationRoles: [] };
export const ask = { kind: 'idle-in-transaction', idleForMs: 1 } as const;
