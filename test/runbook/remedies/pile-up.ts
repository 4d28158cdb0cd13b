import { startCluster } from '../../support/clusters.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { systemClock } from '../../../src/timing.ts';
import { createBlockers } from '../../../src/postgres/privileged/blockers.ts';
import type { RemedyRequest } from '../../../src/runbook/remedies/remedy-request.ts';
import { createOptionD } from '../../../src/runbook/remedies/d-stop-blockers/stop-blockers.ts';
import type { OptionDPorts } from '../../../src/runbook/remedies/d-stop-blockers/same-blocker.ts';
import type { Plan, PlanDraft } from '../../../src/runbook/remedies/plan.ts';
import type {
  Answer,
  Remedy,
  Report,
  RunControl,
  StepEntry,
} from '../../../src/runbook/remedies/remedy.ts';
import { defaultLimits } from '../../../src/runbook/snapshot/target.ts';
import { Sessions } from '../../support/sessions.ts';
import type { Session, SessionOptions } from '../../support/sessions.ts';
import { until } from '../../support/until.ts';
import { aTarget } from '../diagnose/builders.ts';
import { heldLease } from '../../support/held-lease.ts';

export const update = (id: number): string => `UPDATE work SET n = n + 1 WHERE id = ${id}`;

/** Any wait counts as lasting. */
export const limits = { ...defaultLimits, lockWaitMs: 1 };

/** Nobody stops it, and nothing is kept. */
export const quiet: RunControl = {
  isStopped: () => Promise.resolve(false),
  intend: () => Promise.resolve(),
  record: () => Promise.resolve(),
  lease: heldLease,
  progress: () => undefined,
};

/** Keeps the steps as the journal would. */
export function recording(): { control: RunControl; steps: StepEntry[] } {
  const steps: StepEntry[] = [];
  const write = (kind: StepEntry['kind']) => (note: Omit<StepEntry, 'kind' | 'at'>) =>
    Promise.resolve(void steps.push({ ...note, kind, at: new Date().toISOString() }));
  return { steps, control: { ...quiet, intend: write('intended'), record: write('done') } };
}

export function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.refusal.why);
  return answer.value;
}

/** Why there is no plan. */
export function whyOf(answer: Answer<unknown>): string {
  if (answer.ok) throw new Error('It was not refused.');
  return answer.refusal.why;
}

export function toPlan(draft: PlanDraft): Plan {
  return { ...draft, policyVersion: '', plannedAt: new Date().toISOString() };
}

/** A real server on which sessions of `app` get in each other's way. */
export class PileUp {
  readonly cluster: Cluster;
  readonly sessions: Sessions;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.sessions = new Sessions(cluster);
  }

  static async start(major: number): Promise<PileUp> {
    const cluster = await startCluster({
      major,
      settings: {
        max_connections: 120,
        max_prepared_transactions: 5,
        // A deadlock, and an autovacuum in the way, stay for as long as the test looks at them.
        deadlock_timeout: '10min',
        autovacuum_naptime: '1s',
        autovacuum_vacuum_threshold: 1_000_000,
        autovacuum_analyze_threshold: 1_000_000,
        autovacuum_vacuum_insert_threshold: -1,
        autovacuum_vacuum_cost_delay: '100ms',
        autovacuum_vacuum_cost_limit: 1,
      },
    });
    const pile = new PileUp(cluster);
    for (const sql of [
      'CREATE TABLE work (id int PRIMARY KEY, n int)',
      'INSERT INTO work SELECT i, 0 FROM generate_series(1, 20) i',
      'CREATE ROLE app LOGIN',
      'ALTER TABLE work OWNER TO app',
      'CREATE ROLE owner SUPERUSER LOGIN',
      'CREATE ROLE cdc LOGIN REPLICATION',
      'GRANT ALL ON work TO cdc',
      'CREATE ROLE unseeing LOGIN',
      'CREATE ROLE acting LOGIN',
      'GRANT pg_monitor, pg_signal_backend TO acting',
    ]) {
      await pile.sessions.ask(sql);
    }
    return pile;
  }

  async clear(): Promise<void> {
    const { sessions } = this;
    for (const { gid } of await sessions.ask<{ gid: string }>('SELECT gid FROM pg_prepared_xacts'))
      await sessions.ask(`ROLLBACK PREPARED '${gid}'`);
    await sessions.endAll();
  }

  async close(): Promise<void> {
    await this.sessions.close();
    await this.cluster.close();
  }

  remedy(more: Partial<OptionDPorts> = {}, user = 'acting'): Remedy {
    return createOptionD({
      blockers: createBlockers({ url: this.cluster.url(user) }),
      clock: systemClock,
      target: aTarget({ limits, protectedApplications: ['migrations'], ownRoles: ['app'] }),
      releaseWithinMs: 60_000,
      ...more,
    });
  }

  async propose(ask: RemedyRequest = { kind: 'stop-blockers' }, by = this.remedy()): Promise<Plan> {
    return toPlan(valueOf(await by.propose(ask)));
  }

  /** What the door does with an approved plan. */
  async run(plan: Plan, control = quiet, by = this.remedy()): Promise<Report> {
    const { left } = await by.recheck(plan);
    return by.run(plan, left, control);
  }

  open(options: SessionOptions = {}): Promise<Session> {
    return this.sessions.open({ user: 'app', ...options });
  }

  async holds(statement: string, options: SessionOptions = {}): Promise<Session> {
    const session = await this.open(options);
    await session.run('BEGIN', statement);
    return session;
  }

  /** Runs the statement in a transaction, and then works for long in the same one. */
  async works(statement: string, options: SessionOptions = {}): Promise<Session> {
    const session = await this.holds(statement, options);
    session.begin('SELECT pg_sleep(600)');
    await this.untilAsleep(session);
    return session;
  }

  async waits(statement: string, options: SessionOptions = {}): Promise<Session> {
    const session = await this.open(options);
    session.begin(statement);
    await this.untilWaiting([session]);
    return session;
  }

  async waitMany(statement: string, n: number): Promise<Session[]> {
    const many = await this.sessions.openMany(n, { user: 'app' });
    for (const session of many) session.begin(statement);
    await this.untilWaiting(many);
    return many;
  }

  untilAsleep(session: Session): Promise<void> {
    return this.#untilAll([session], `wait_event = 'PgSleep'`);
  }

  untilWaiting(those: readonly Session[]): Promise<void> {
    return this.#untilAll(those, `wait_event_type = 'Lock'`);
  }

  async untilNobodyWaits(): Promise<void> {
    await until('nobody waits', async () => {
      const left = await this.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'`,
      );
      return left.length === 0;
    });
  }

  async #untilAll(those: readonly Session[], condition: string): Promise<void> {
    await until(`${those.length} sessions with ${condition}`, async () => {
      const found = await this.sessions.ask(
        `SELECT FROM pg_stat_activity WHERE pid = ANY ($1) AND ${condition}`,
        [those.map(({ pid }) => pid)],
      );
      return found.length === those.length;
    });
  }
}

export async function isAlive({ client }: Session): Promise<boolean> {
  return client.query('SELECT 1').then(
    () => true,
    () => false,
  );
}
