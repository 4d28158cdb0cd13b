import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import { createSandboxServerHost } from '../../../sandbox/patient/sandbox-server-host.ts';
import { systemClock } from '../../../src/timing.ts';
import { createDatabase } from '../../../src/postgres/lifeline.ts';
import { createServerSettings } from '../../../src/postgres/privileged/server-settings.ts';
import type { Part } from '../../../src/runbook/snapshot/snapshot.ts';
import { takeSnapshotOf } from '../../../src/runbook/snapshot/take-snapshot.ts';
import type { Database } from '../../../src/runbook/snapshot/ports.ts';
import type { ServerHost } from '../../../src/runbook/remedies/b-raise-max-connections/ports.ts';
import { createOptionB } from '../../../src/runbook/remedies/b-raise-max-connections/raise-max-connections.ts';
import type { Plan } from '../../../src/runbook/remedies/plan.ts';
import type {
  Remedy,
  Report,
  RunControl,
  StepEntry,
} from '../../../src/runbook/remedies/remedy.ts';
import { databaseOptions } from '../../support/database-options.ts';
import { aService, aTarget } from '../diagnose/builders.ts';
import { heldLease } from '../../support/held-lease.ts';

/** What a run left behind, as the journal would keep it. */
interface Record {
  readonly control: RunControl;
  readonly steps: StepEntry[];
  readonly progress: string[];
  stop(): void;
}

export interface Death {
  /** At which write to the journal, from 1. */
  readonly at: number;
  /** Whether that write is still made. */
  readonly isWritten: boolean;
}

/** Keeps what is written; may die at one of the writes, as dbconn does when it is killed there. */
export function recordSteps(death?: Death): Record {
  const steps: StepEntry[] = [];
  const progress: string[] = [];
  let isStopped = false;
  const write = (entry: StepEntry): Promise<void> => {
    const isLast = steps.length + 1 === death?.at;
    if (!isLast || death.isWritten) steps.push(entry);
    return isLast ? Promise.reject(new Died()) : Promise.resolve();
  };
  const at = (): string => new Date().toISOString();
  return {
    steps,
    progress,
    stop: () => void (isStopped = true),
    control: {
      isStopped: () => Promise.resolve(isStopped),
      intend: (note) => write({ ...note, kind: 'intended', at: at() }),
      record: (note) => write({ ...note, kind: 'done', at: at() }),
      lease: heldLease,
      progress: (sentence) => void progress.push(sentence),
    },
  };
}

/** dbconn is gone: what it was about to do does not happen. */
export class Died extends Error {}

const notThere: Part<never> = {
  ok: false,
  tookMs: 0,
  problem: { kind: 'not-configured', summary: 'There is none.' },
};

interface Means {
  readonly host?: ServerHost | null;
  readonly user?: string;
  readonly silentForMs?: number;
}

/** Option B for a cluster of the sandbox, with everything real but Docker. */
export class OptionBOnCluster {
  readonly cluster: Cluster;
  readonly #database: Database;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.#database = createDatabase(databaseOptions(cluster.url()));
  }

  /** `host` null: dbconn has no way to restart it. */
  remedy({ host, user = 'postgres', silentForMs = 20_000 }: Means = {}): Remedy {
    const given = host === undefined ? createSandboxServerHost(this.cluster) : host;
    const target = aTarget({ services: [aService({ name: 'backend' })] });
    return createOptionB({
      serverSettings: createServerSettings(this.cluster.url(user)),
      ...(given !== null && { serverHost: given }),
      takeSnapshot: () =>
        takeSnapshotOf(
          {
            database: this.#database,
            services: {
              readServices: () => Promise.resolve(notThere),
              readLogs: () => Promise.resolve(notThere),
            },
            pools: { readPools: () => Promise.resolve(notThere) },
            clock: systemClock,
          },
          target,
        ),
      clock: systemClock,
      target,
      silentForMs,
      returnWithinMs: 60_000,
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

/** A plan for this number, as the door would complete it. Throws with the refusal. */
export async function planFor(remedy: Remedy, to?: number): Promise<Plan> {
  const ask = { kind: 'raise-max-connections', ...(to !== undefined && { to }) } as const;
  const drafted = await remedy.propose(ask);
  if (!drafted.ok) throw new Error(`${drafted.refusal.kind}: ${drafted.refusal.why}`);
  return { ...drafted.value, policyVersion: 'test', plannedAt: new Date().toISOString() };
}

/** From the recheck to the report. */
export async function runPlan(remedy: Remedy, plan: Plan, control: RunControl): Promise<Report> {
  const { left, skipped } = await remedy.recheck(plan);
  if (left.length === 0) throw new Error(skipped[0]?.reason ?? 'Nothing is left of the plan.');
  return remedy.run(plan, left, control);
}
