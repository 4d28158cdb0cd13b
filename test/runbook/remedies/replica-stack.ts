import { createOptionC } from '../../../src/runbook/remedies/c-restart-service/restart-service.ts';
import type {
  OptionCPorts,
  RestartOutcome,
} from '../../../src/runbook/remedies/c-restart-service/ports.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import type { Item, Report, RunControl } from '../../../src/runbook/remedies/remedy.ts';
import type {
  LogClassCount,
  Reach,
  ReplicaReading,
  SessionReading,
  Snapshot,
} from '../../../src/runbook/snapshot/snapshot.ts';
import { HandClock } from '../approvals/world.ts';
import { aReading, aSnapshot, aSource, aTarget, refused } from '../diagnose/builders.ts';
import { heldLease } from '../../support/held-lease.ts';

export const ask = { kind: 'restart', service: 'backend' } as const;

/** A service of plain values: a restart moves a replica's start and gives its connections back. */
export class Stack {
  readonly clock = new HandClock();
  readonly steps: string[] = [];
  readonly outcomes = new Map<string, Partial<RestartOutcome>>();
  replicas: ReplicaReading[] = [1, 2, 3].map((number) => aReplica(number));
  /** Connections per replica. */
  held = new Map(['r1', 'r2', 'r3'].map((id) => [id, 30]));
  /** Until when PostgreSQL refuses connections. */
  refusingUntilMs = 0;
  stopped = false;
  /** Sessions the look shows by name. */
  sessions: readonly SessionReading[] = [];
  logs: readonly LogClassCount[] = [];
  reach: Reach | undefined;

  takeSnapshot = (): Promise<Snapshot> => {
    const sources = this.replicas.map(({ id, addresses: [client = null] }) =>
      aSource({ client, total: this.held.get(id) ?? 0 }),
    );
    const clients = sources.reduce((sum, { total }) => sum + total, 0);
    const reading = aReading({ sources, counts: { clients }, sessions: this.sessions });
    const services = { services: [{ name: 'backend', replicas: this.replicas }] };
    const refusing = this.clock.now() < this.refusingUntilMs;
    const reach = refusing ? { ...refused('full'), via: 'warm' as const } : this.reach;
    return Promise.resolve(
      aSnapshot({ reading, services, logs: this.logs, ...(reach !== undefined && { reach }) }),
    );
  };

  restartReplica = (id: string): Promise<RestartOutcome> => {
    this.steps.push(`restart ${id}`);
    this.clock.nowMs += 4000;
    const startedAt = new Date(this.clock.nowMs).toISOString();
    this.replicas = this.replicas.map((replica) =>
      replica.id === id ? { ...replica, startedAt } : replica,
    );
    this.held.set(id, 5);
    return Promise.resolve({
      result: 'healthy',
      startedAfter: startedAt,
      exitCode: null,
      oomKilled: false,
      healthOutput: null,
      lastLogLines: [],
      ...this.outcomes.get(id),
    });
  };

  control: RunControl = {
    isStopped: () => Promise.resolve(this.stopped),
    intend: (step) => Promise.resolve(void this.steps.push(`intend ${step.sentence}`)),
    record: (step) => Promise.resolve(void this.steps.push(`record ${step.sentence}`)),
    lease: heldLease,
    progress: (sentence) => void this.progress.push(sentence),
  };
  readonly progress: string[] = [];

  remedy(change: Partial<OptionCPorts> = {}): ReturnType<typeof createOptionC> {
    return createOptionC({
      restarts: { restartReplica: this.restartReplica },
      takeSnapshot: this.takeSnapshot,
      clock: this.clock,
      target: aTarget({
        services: [
          { name: 'backend', workers: 1, poolSize: 10, maxOverflow: 5 },
          { name: 'bot', workers: 1 },
        ],
        postgresService: 'postgres',
      }),
      refusedServices: ['bot'],
      refusedContainers: [],
      stopTimeoutSeconds: 10,
      healthyWithinMs: 60_000,
      calmWithinMs: 30_000,
      ...change,
    });
  }

  async plan(): Promise<Plan> {
    const drafted = await this.remedy().propose(ask);
    if (!drafted.ok) throw new Error(drafted.refusal.why);
    return { ...drafted.value, policyVersion: '', plannedAt: '' };
  }

  async run(): Promise<Report> {
    const plan = await this.plan();
    return this.remedy().run(plan, plan.targets, this.control);
  }
}

export function aReplica(number: number, change: Partial<ReplicaReading> = {}): ReplicaReading {
  return {
    id: `r${number}`,
    name: `shop-backend-${number}`,
    number,
    state: 'running',
    health: 'healthy',
    startedAt: '2026-11-23T01:00:00.000000000Z',
    restarts: 0,
    exitCode: null,
    oomKilled: false,
    addresses: [`10.0.1.${number}`],
    pool: {
      size: null,
      maxOverflow: null,
      timeoutSeconds: null,
      recycleSeconds: null,
      prePing: null,
    },
    ...change,
  };
}

export function outcomesOf({ items }: Report): Item['outcome'][] {
  return items.map(({ outcome }) => outcome);
}

export function toList<T>(...items: (T | undefined)[]): T[] {
  return items.filter((item) => item !== undefined);
}
