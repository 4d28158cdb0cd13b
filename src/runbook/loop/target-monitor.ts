import type { Clock } from '../../timing.ts';
import { checkNeighbours } from '../approvals/neighbours.ts';
import type { Neighbourhood } from '../approvals/neighbours.ts';
import { ChangeMemory } from '../diagnose/deploys.ts';
import { diagnose } from '../diagnose/diagnose.ts';
import type { Diagnosis } from '../diagnose/diagnosis.ts';
import { acting, checkTarget } from '../diagnose/doctor.ts';
import type { Check } from '../diagnose/doctor.ts';
import type { TargetCheck } from '../diagnose/evidence.ts';
import { RecentChecks } from '../diagnose/recent-checks.ts';
import type { PrivilegedConnection } from '../remedies/a-terminate-idle/ports.ts';
import type { ServerHost, ServerSettings } from '../remedies/b-raise-max-connections/ports.ts';
import type { Restarts } from '../remedies/c-restart-service/ports.ts';
import type { Blockers } from '../remedies/d-stop-blockers/ports.ts';
import type { PoolSettings } from '../remedies/e-resize-pool/ports.ts';
import type { PreparedTransactions } from '../remedies/prepared-transaction/plan.ts';
import type { RoleLimits, Timeouts } from '../remedies/prevention/ports.ts';
import type { ReadServer } from '../remedies/same-server.ts';
import { readPrevention } from '../reports/prevention.ts';
import type { Prevention } from '../reports/report.ts';
import type { Database, Pools, Roles, RoleTrial, Services } from '../snapshot/ports.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { takeSnapshotOf } from '../snapshot/take-snapshot.ts';
import type { Poolers } from '../snapshot/take-snapshot.ts';
import type { Target } from '../snapshot/target.ts';

/** One target and what reaches it. */
export interface TargetAdapters {
  readonly target: Target;
  readonly database: Database;
  readonly services: Services;
  readonly pools: Pools;
  /** What may end its sessions; absent where no role for that is configured. */
  readonly privileged?: PrivilegedConnection;
  /** What may stop whom others wait for; absent as `privileged` is. */
  readonly blockers?: Blockers;
  /** What may roll back its prepared transactions; absent as `privileged` is. */
  readonly prepared?: PreparedTransactions;
  /** What may set its time-outs; absent as `privileged` is. */
  readonly timeouts?: Timeouts;
  /** What may limit the connections of a role; absent as `privileged` is. */
  readonly roleLimits?: RoleLimits;
  /** What may set max_connections; absent as `privileged` is. */
  readonly serverSettings?: ServerSettings;
  /** Which server these reach; absent as `privileged` is. */
  readonly readServer?: ReadServer;
  /** What may restart PostgreSQL itself; absent where its container is not configured. */
  readonly serverHost?: ServerHost;
  /** What may resize its services' pools; absent where no containers are configured. */
  readonly poolSettings?: PoolSettings;
  /** What may restart its containers; absent where none are configured. */
  readonly restarts?: Restarts;
  /** How it stands to the other targets; absent where there is only one. */
  readonly neighbourhood?: () => Promise<Neighbourhood>;
  /** The PgBouncers in front of it; absent where none is configured. */
  readonly poolers?: Poolers;
  /** What logs in with each of its roles, to see that it can. */
  readonly roles?: Roles;
  /** The same as the reading role reads it, for plans that a person runs; absent where there is a privileged role. */
  readonly planning?: PrivilegedAdapters;
}

/** What one role reads and changes in PostgreSQL, and which server that is. */
export type PrivilegedAdapters = Pick<
  TargetAdapters,
  | 'privileged'
  | 'blockers'
  | 'prepared'
  | 'timeouts'
  | 'roleLimits'
  | 'serverSettings'
  | 'readServer'
>;

/**
 * `sparing` is for checks that nobody asked for: while all is well, the containers and their logs are those of a check of
 * the last minute. Hundreds of targets may share one engine, and reading these costs it and us more than all the rest.
 */
type Effort = 'whole' | 'sparing';

/** What was seen of one target in the last hour: for its forecast, its chart, and what changed just before. */
interface TargetMemory {
  readonly recent: RecentChecks;
  readonly changes: ChangeMemory;
}

/** By the target's name. */
export type TargetMemories = ReadonlyMap<string, TargetMemory>;

/** What checks the targets, for Slack and the terminal. */
export interface TargetMonitor {
  readonly targets: readonly Target[];
  /** What it knows of them, for a monitor that goes on with the same ones. */
  readonly memories?: TargetMemories;
  /** One check at a target, and what it means. Throws only for a target that is not configured. */
  diagnose(target: string): Promise<Diagnosis>;
  /** The same with the evidence it was drawn from, so that it can be kept and judged again. */
  runCheck(target: string, effort?: Effort): Promise<TargetCheck>;
  /** What dbconn can and cannot see of a target. */
  doctor(target: string): Promise<readonly Check[]>;
  /** The runbook's Prevention section held against a check at a target. */
  prevention(target: string): Promise<Prevention>;
  close(): Promise<void>;
}

export function createTargetMonitor(
  targetAdapters: readonly TargetAdapters[],
  clock: Clock,
  known: TargetMemories = new Map(),
): TargetMonitor {
  const memories = new Map<string, TargetMemory>();
  const all = new Map<string, MonitoredTarget>();
  for (const adapters of targetAdapters) {
    const { name } = adapters.target;
    const memory = known.get(name) ?? { recent: new RecentChecks(), changes: new ChangeMemory() };
    memories.set(name, memory);
    all.set(name, new MonitoredTarget(adapters, clock, memory));
  }
  const monitored = (name: string): MonitoredTarget => {
    const found = all.get(name);
    if (found === undefined) throw new Error(`There is no target "${name}".`);
    return found;
  };
  return {
    targets: targetAdapters.map(({ target }) => target),
    memories,
    diagnose: async (target) => (await monitored(target).runCheck()).diagnosis,
    runCheck: (target, effort) => monitored(target).runCheck(effort),
    doctor: (target) => monitored(target).doctor(),
    prevention: (target) => monitored(target).prevention(),
    async close() {
      await Promise.all(targetAdapters.map(({ database }) => database.close()));
    },
  };
}

/** For so long a sparing check does with what was read of the containers. */
const servicesKeptMs = 60_000;

/** Checks one target, and remembers what it saw. */
class MonitoredTarget {
  readonly #adapters: TargetAdapters;
  readonly #clock: Clock;
  readonly #memory: TargetMemory;
  /** What the last whole check read of the containers, when it found all well. */
  #rest: { readonly sinceMs: number; readonly services: Services } | undefined;

  constructor(adapters: TargetAdapters, clock: Clock, memory: TargetMemory) {
    this.#adapters = adapters;
    this.#clock = clock;
    this.#memory = memory;
  }

  async runCheck(effort: Effort = 'whole'): Promise<TargetCheck> {
    const keptServices = this.#rest;
    if (
      effort === 'sparing' &&
      keptServices !== undefined &&
      this.#clock.now() - keptServices.sinceMs < servicesKeptMs
    ) {
      const sparing = await this.#check(keptServices.services);
      if (sparing.diagnosis.state === 'fine') return this.#remember(sparing);
    }
    const sinceMs = this.#clock.now();
    const whole = await this.#check(this.#adapters.services);
    const isFine = whole.diagnosis.state === 'fine';
    this.#rest = isFine ? { sinceMs, services: asRead(whole.snapshot) } : undefined;
    return this.#remember(whole);
  }

  async #check(services: Services): Promise<TargetCheck> {
    const { target } = this.#adapters;
    const taken = await takeSnapshotOf({ ...this.#adapters, services, clock: this.#clock }, target);
    const snapshot = this.#memory.changes.note(taken);
    const recent = this.#memory.recent.entries();
    return { snapshot, target, recent, diagnosis: diagnose({ snapshot, target, recent }) };
  }

  #remember(check: TargetCheck): TargetCheck {
    const { diagnosis, snapshot } = check;
    this.#memory.recent.add(diagnosis, snapshot.database.reading?.counts.newIn60s);
    return check;
  }

  async prevention(): Promise<Prevention> {
    return readPrevention(await this.runCheck());
  }

  async doctor(): Promise<readonly Check[]> {
    const adapters = this.#adapters;
    const { target, services } = adapters;
    const clock = this.#clock;
    const [snapshot, permissions] = await Promise.all([
      takeSnapshotOf({ ...adapters, clock }, target),
      services.readPermissions?.(),
    ]);
    const [tried, neighbourhood] = await Promise.all([
      this.#tryRoles(snapshot),
      adapters.neighbourhood?.(),
    ]);
    const { trials, options } = tried;
    return [
      ...checkTarget({ snapshot, target, permissions, trials }),
      ...options,
      ...(neighbourhood === undefined ? [] : checkNeighbours(neighbourhood, target.name)),
    ];
  }

  /** The logins first: the acting role may have few connections, and each of these takes one. */
  async #tryRoles(
    snapshot: Snapshot,
  ): Promise<{ readonly trials: readonly RoleTrial[]; readonly options: readonly Check[] }> {
    const { roles } = this.#adapters;
    if (roles !== undefined && isFull(snapshot)) return { trials: [], options: [notTried] };
    const trials = (await roles?.tryLogins()) ?? [];
    const input = { adapters: this.#adapters, snapshot, trials, clock: this.#clock };
    // Only doctor needs it, and with it what the options ask themselves.
    const { tryOptions } = await import('./try-options.ts');
    return { trials, options: await tryOptions(input) };
  }
}

const loginsAtOnce = 2;

/** Then the last connections are for people, and for changes. */
function isFull({ database: { reach, reading } }: Snapshot): boolean {
  if (reading === undefined) return reach.error?.kind === 'full';
  const { maxConnections, superuserReserved, reserved, providerReserved } = reading.capacity;
  const usable = maxConnections - superuserReserved - reserved - providerReserved;
  return reading.counts.clients + loginsAtOnce > usable;
}

const notTried: Check = {
  subject: 'PostgreSQL',
  state: 'warning',
  summary: 'PostgreSQL is full, so no role was tried.',
  fix: 'Run doctor again when connections are free.',
  stops: acting,
};

/** The containers and logs of a check, as if they were read again. */
function asRead({ services, logs }: Snapshot): Services {
  return {
    readServices: () => Promise.resolve({ ...services, tookMs: 0 }),
    readLogs: () => Promise.resolve({ ...logs, tookMs: 0 }),
  };
}
