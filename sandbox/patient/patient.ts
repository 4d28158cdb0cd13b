import { setTimeout as sleep } from 'node:timers/promises';
import { createPools } from '../../src/pool-metrics/pools.ts';
import type { Pools, Services } from '../../src/runbook/snapshot/ports.ts';
import type { ServerHost } from '../../src/runbook/remedies/b-raise-max-connections/ports.ts';
import type { PoolSettings } from '../../src/runbook/remedies/e-resize-pool/ports.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import type { Limits, Target } from '../../src/runbook/snapshot/target.ts';
import { readActivity } from './activity.ts';
import type { ApplicationActivity } from './activity.ts';
import { startCluster } from './cluster.ts';
import type { ClusterHome } from './cluster-home.ts';
import type { Cluster } from './cluster.ts';
import { Fleet } from './fleet.ts';
import { makeProjectFolder } from './project-folder.ts';
import { SandboxPooler } from './sandbox-pooler.ts';
import { createSandboxServerHost } from './sandbox-server-host.ts';
import { createSandboxServices, postgresService } from './sandbox-services.ts';
import { catalogue } from './scenes/catalogue.ts';
import { split } from './scenes/scene.ts';
import type { Missing, Scene, Trouble, Variants } from './scenes/scene.ts';
import { adminApplication, adminUrl, asAdmin, createShop, databaseName } from './schema.ts';
import { createSeeded } from './seeded.ts';
import type { Seeded } from './seeded.ts';
import type { Restarts } from '../../src/runbook/remedies/c-restart-service/ports.ts';

export interface PatientOptions {
  /** 13 to 18; 18 unless given. */
  readonly major?: number;
  /** The same seed gives the same names, sizes and order. */
  readonly seed: number;
  /** At least 20, or the scenes have no room; 40 unless given. */
  readonly maxConnections?: number;
  /** Slots that no trouble takes, for whoever else comes to this server, such as an exporter; none unless given. */
  readonly guests?: number;
  /** Of its PostgreSQL's files. */
  readonly findHome?: (major: number) => Promise<ClusterHome>;
}

/** A real PostgreSQL with real services on it, and ways to make each of the runbook's six causes happen. */
export interface Patient {
  readonly cluster: Cluster;
  readonly fleet: Fleet;
  /** There only where the trouble is in it. */
  readonly pooler: SandboxPooler;
  /** Slots an ordinary role can have. */
  readonly usableSlots: number;
  /** The runbook's, with durations of seconds in place of minutes. */
  readonly limits: Limits;
  readonly urls: {
    /** pg_monitor, and the reserved slots from PostgreSQL 16 on. */
    readonly dbconn: string;
    /** pg_signal_backend besides. */
    readonly privileged: string;
    /** A superuser. */
    readonly rescue: string;
  };
  /** As dbconn.yml would describe it with the services that run now. */
  target(): Target;
  pools(): Pools;
  services(): Services & Restarts & PoolSettings;
  /** What PostgreSQL runs in. Its usable slots are no longer as given once max_connections was changed. */
  serverHost(): ServerHost;
  /** Resolves once PostgreSQL, the pools and the logs show it. Several at once share the slots. Returns what goes on. */
  trouble(what: Trouble | readonly Trouble[], variants?: Variants): Promise<readonly string[]>;
  /** Ends all trouble; the bystander goes on working. */
  heal(): Promise<void>;
  /** Leaves no process and no file. */
  close(): Promise<void>;
}

const serviceNames = [
  'backend',
  'orders',
  'billing',
  'checkout',
  'catalogue',
  'inventory',
  'accounts',
  'search',
  'mailer',
  'reports',
  'sync',
  'storefront',
] as const;

/** A service that has nothing to do with the trouble, as there always is one. */
const bystanderConnections = 2;
/** dbconn's own connection must fit beside a full house. */
const dbconnConnections = 1;
const others = bystanderConnections + dbconnConnections;
const superuserReserved = 3;
const reserved = 2;
const promiseTimeoutMs = 60_000;

const limits: Limits = {
  ...defaultLimits,
  idleInTransactionWarningMs: 500,
  terminateIdleInTransactionMs: 1500,
  terminateIdleMs: 2500,
  slowQueryMs: 1000,
  lockWaitMs: 700,
};

export async function startPatient(options: PatientOptions): Promise<Patient> {
  const { major = 18, maxConnections = 40, guests = 0, seed, findHome } = options;
  if (maxConnections < 20) throw new Error('A patient needs max_connections of at least 20.');
  const cluster = await startCluster({
    major,
    ...(findHome !== undefined && { findHome }),
    hba: ['host all all 127.0.0.0/8 trust'], // every replica has a loopback address of its own
    settings: {
      max_connections: maxConnections,
      superuser_reserved_connections: superuserReserved,
      ...(major >= 16 && { reserved_connections: reserved }),
      log_line_prefix: '%m [%p] %q%u@%d ',
      log_timezone: 'UTC',
      max_prepared_transactions: 2,
      log_lock_waits: 'on',
      log_disconnections: 'on',
    },
  });
  const usableSlots = maxConnections - superuserReserved - (major >= 16 ? reserved : 0);
  const patient = new LocalPatient(cluster, createSeeded(seed), usableSlots - guests);
  try {
    await createShop(cluster);
    await patient.startBystander();
  } catch (error) {
    await patient.close();
    throw error;
  }
  return patient;
}

class LocalPatient implements Patient {
  readonly cluster: Cluster;
  readonly fleet: Fleet;
  readonly pooler: SandboxPooler;
  readonly usableSlots: number;
  readonly limits = limits;
  readonly #seeded: Seeded;
  readonly #names: string[];
  readonly #bystander: string;
  readonly #project = makeProjectFolder();
  readonly #serverHost: ServerHost;
  #troubleSince = '';
  #scenes: readonly Scene[] = [];

  constructor(cluster: Cluster, seeded: Seeded, usableSlots: number) {
    this.cluster = cluster;
    this.pooler = new SandboxPooler(cluster);
    this.#serverHost = createSandboxServerHost(cluster);
    this.usableSlots = usableSlots;
    this.#seeded = seeded;
    const [bystander = 'backend', ...names] = seeded.shuffle(serviceNames);
    this.#bystander = bystander;
    this.#names = names;
    this.fleet = new Fleet({
      network: `127.${seeded.between(1, 250)}.${seeded.between(0, 250)}`,
      databaseUrl: (role) => cluster.url(role, databaseName),
    });
  }

  get urls(): Patient['urls'] {
    return {
      dbconn: this.cluster.url('dbconn', databaseName),
      privileged: this.cluster.url('dbconn_acting', databaseName),
      rescue: adminUrl(this.cluster),
    };
  }

  target(): Target {
    const names = [...new Set(this.fleet.replicas.map(({ options }) => options.service))];
    return {
      name: databaseName,
      services: names.map((name) => ({ name, workers: 1 })),
      postgresService,
      applicationRoles: [],
      protectedApplications: [adminApplication],
      limits,
      links: { guides: [] },
      contacts: {},
    };
  }

  pools(): Pools {
    // Replicas come and go, as behind a service discovery.
    return { readPools: () => createPools({ endpoints: this.fleet.endpoints }).readPools() };
  }

  services(): Services & Restarts & PoolSettings {
    const { cluster, fleet } = this;
    const { envFile } = this.#project;
    const since = (): string => this.#troubleSince;
    return createSandboxServices({ cluster, fleet, envFile, since });
  }

  serverHost(): ServerHost {
    return this.#serverHost;
  }

  async startBystander(): Promise<void> {
    const pool = { poolSize: bystanderConnections, maxOverflow: 0, poolTimeoutSeconds: 5 };
    await this.fleet.start([{ name: this.#bystander, replicas: 1, role: 'app', ...pool }]);
    const [replica] = this.fleet.replicas;
    const concurrency = bystanderConnections;
    await replica?.post({ kind: 'load', concurrency, queryMs: 5, pauseMs: 300 });
  }

  async trouble(
    what: Trouble | readonly Trouble[],
    variants: Variants = {},
  ): Promise<readonly string[]> {
    await this.heal();
    this.#project.reset();
    this.#troubleSince = new Date().toISOString();
    const troubles = typeof what === 'string' ? [what] : what;
    // While a scene is watched, the sandbox's own session takes a slot from it.
    const free = this.usableSlots - others - troubles.length;
    const shares = split(free, troubles.length);
    const names = this.#seeded.shuffle(this.#names);
    const scenes = troubles.map((trouble, index): Scene => {
      const slots = shares[index] ?? 1;
      const takeName = (): string => names.shift() ?? 'service';
      const { usableSlots: usable } = this;
      return catalogue[trouble]({
        seeded: this.#seeded,
        usable,
        slots,
        others,
        variants,
        takeName,
      });
    });
    await this.fleet.start(scenes.flatMap(({ services }) => services));
    const until = (missing: Missing): Promise<void> => this.#until(missing);
    this.#scenes = scenes;
    const stage = { fleet: this.fleet, pooler: this.pooler, until, run: this.#run };
    await Promise.all(scenes.map((scene) => scene.begin(stage)));
    return scenes.map(({ story }) => story);
  }

  async heal(): Promise<void> {
    for (const scene of this.#scenes) await scene.end?.({ pooler: this.pooler, run: this.#run });
    this.#scenes = [];
    const services = this.fleet.replicas
      .map(({ options }) => options.service)
      .filter((name) => name !== this.#bystander);
    if (services.length === 0) return;
    await this.fleet.stop(services);
    // PostgreSQL does not notice a vanished client while it runs a query or waits for a lock.
    const end =
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ANY($1)';
    await asAdmin(adminUrl(this.cluster), (admin) => admin.query(end, [services]));
    await this.#until((activity) => {
      const left = activity.filter(({ application }) => services.includes(application));
      return left.length > 0 ? `${left.length} services still have sessions` : undefined;
    });
  }

  async close(): Promise<void> {
    await this.pooler.stop();
    await this.fleet.close();
    this.#project.close();
    await this.cluster.close();
  }

  readonly #run = (sql: string, values: readonly unknown[] = []): Promise<void> =>
    asAdmin(adminUrl(this.cluster), async (admin) => {
      await admin.query(sql, [...values]);
    });

  /** Over one session: one for each question would look like an application without a pool. */
  async #until(missing: Missing): Promise<void> {
    const deadline = Date.now() + promiseTimeoutMs;
    await asAdmin(adminUrl(this.cluster), async (admin) => {
      for (;;) {
        const activity = await readActivity(admin, limits);
        const lack = await missing(activity);
        if (lack === undefined) return;
        if (Date.now() > deadline) throw new Error(this.#explain(lack, activity));
        await sleep(100);
      }
    });
  }

  #explain(lack: string, activity: readonly ApplicationActivity[]): string {
    const logs = this.fleet.replicas.map(
      (replica) => `${replica.name}: ${replica.lines(1)[0]?.text ?? 'silent'}`,
    );
    const seconds = promiseTimeoutMs / 1000;
    const head = `The patient is not as promised after ${seconds} s: ${lack}.`;
    return [head, ...activity.map((row) => JSON.stringify(row)), ...logs].join('\n');
  }
}
