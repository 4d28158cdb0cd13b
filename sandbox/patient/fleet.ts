import type { PoolEndpoint } from '../../src/pool-metrics/replicas.ts';
import { BackendProcess } from './backend-process.ts';
import type { PoolSize } from './backend-process.ts';

/** A service as compose would run it: so many replicas, each with this pool. */
export interface ServicePlan extends PoolSize {
  readonly name: string;
  readonly replicas: number;
  readonly role: 'app' | 'batch';
  /** Serves no metrics, and its environment does not say how large its pool is. */
  readonly isHidden?: boolean;
  /** What its containers would be made from; unknown unless given. */
  readonly imageId?: string;
  /** PostgreSQL itself unless given. */
  readonly databaseUrl?: string;
}

interface FleetOptions {
  readonly databaseUrl: (role: string) => string;
  /** The first three parts of the replicas' addresses, such as `127.20.3`. */
  readonly network: string;
}

/** At most this many start at a time: they share the machine with the database they besiege. */
const startsAtOnce = 4;

/** All backend processes of the patient. Ends with this process, whatever ends it. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #replicas: BackendProcess[] = [];
  readonly #onExit = (): void => {
    for (const replica of this.#replicas) replica.killNow();
  };
  #addresses = 1;

  constructor(options: FleetOptions) {
    this.#options = options;
    process.once('exit', this.#onExit);
  }

  get replicas(): readonly BackendProcess[] {
    return this.#replicas;
  }

  replicasOf(service: string): BackendProcess[] {
    return this.#replicas.filter(({ options }) => options.service === service);
  }

  get endpoints(): PoolEndpoint[] {
    return this.#replicas
      .filter(({ options }) => !options.isHidden)
      .map(({ options, url }) => ({ service: options.service, url: `${url}/metrics` }));
  }

  async start(plans: readonly ServicePlan[]): Promise<void> {
    const fresh = plans.flatMap((plan) => {
      const before = this.replicasOf(plan.name).length;
      return Array.from({ length: plan.replicas }, (_, index) =>
        this.#create(plan, before + index + 1),
      );
    });
    this.#replicas.push(...fresh);
    const queue = [...fresh];
    const starters = Array.from({ length: startsAtOnce }, async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) await next.start();
    });
    await Promise.all(starters);
  }

  async restart(service: string): Promise<void> {
    for (const replica of this.replicasOf(service)) await replica.restart();
  }

  /** Puts a running process in the place of a stopped one. */
  replace(old: BackendProcess, fresh: BackendProcess): void {
    const at = this.#replicas.indexOf(old);
    if (at === -1) throw new Error(`${old.name} is no replica of this fleet.`);
    this.#replicas[at] = fresh;
  }

  async stop(services?: readonly string[]): Promise<void> {
    const chosen = this.#replicas.filter(
      ({ options }) => services === undefined || services.includes(options.service),
    );
    await this.remove(chosen);
  }

  async remove(replicas: readonly BackendProcess[]): Promise<void> {
    await Promise.all(replicas.map((replica) => replica.stop()));
    for (const replica of replicas) this.#replicas.splice(this.#replicas.indexOf(replica), 1);
  }

  async close(): Promise<void> {
    await this.stop();
    process.off('exit', this.#onExit);
  }

  #create(plan: ServicePlan, number: number): BackendProcess {
    this.#addresses = (this.#addresses % 250) + 1;
    const { poolSize, maxOverflow, poolTimeoutSeconds, largestPool, imageId } = plan;
    const { isHidden = false } = plan;
    return new BackendProcess({
      service: plan.name,
      number,
      databaseUrl: plan.databaseUrl ?? this.#options.databaseUrl(plan.role),
      localAddress: `${this.#options.network}.${this.#addresses}`,
      poolSize,
      maxOverflow,
      poolTimeoutSeconds,
      isHidden,
      ...(largestPool !== undefined && { largestPool }),
      ...(imageId !== undefined && { imageId }),
    });
  }
}
