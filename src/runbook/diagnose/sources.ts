import type { Target } from '../target.ts';
import type { Holder, Source } from './diagnosis.ts';
import type { ServiceReading, SourceReading } from './snapshot.ts';

/** Tells whose session it is, by where it comes from and what it calls itself. */
export type FindService = (client: string | null, application: string) => string | null;

/**
 * A replica's address on its networks says it best: application names are often empty or a driver's default.
 * An address that several services share (host networking, a pooler in between) says nothing.
 */
export function createFindService(
  target: Target,
  services: readonly ServiceReading[],
): FindService {
  const byAddress = new Map<string, string | null>();
  for (const { name, replicas } of services) {
    for (const address of replicas.flatMap(({ addresses }) => addresses)) {
      const known = byAddress.get(address);
      byAddress.set(address, known === undefined || known === name ? name : null);
    }
  }
  const byApplication = new Map(
    target.services.map(({ name, application = name }) => [application, name]),
  );
  return (client, application) => {
    // Beside a database on the same host it has the database's address.
    if (application === 'dbconn') return null;
    return (
      (client === null ? null : byAddress.get(client)) ?? byApplication.get(application) ?? null
    );
  };
}

export function toSources(readings: readonly SourceReading[], findService: FindService): Source[] {
  return readings.map((reading) => ({
    user: reading.user,
    application: reading.application,
    client: reading.client,
    database: reading.database,
    service: findService(reading.client, reading.application),
    total: reading.total,
    active: reading.active,
    idle: reading.idle,
    idleInTransaction: reading.idleInTransaction,
    idleInTransactionAborted: reading.idleInTransactionAborted,
  }));
}

/** Ten replicas are ten sources and one holder: the one to talk to. Largest first. */
export function toHolders(sources: readonly Source[]): Holder[] {
  const groups = Map.groupBy(sources, (source) => `${source.service === null} ${nameOf(source)}`);
  return [...groups.values()].map(toHolder).toSorted((a, b) => b.total - a.total);
}

function toHolder(sources: readonly Source[]): Holder {
  const [first] = sources;
  const sum = (count: (source: Source) => number): number =>
    sources.reduce((total, source) => total + count(source), 0);
  return {
    name: first === undefined ? '' : nameOf(first),
    service: first?.service ?? null,
    clients: new Set(sources.map(({ client }) => client)).size,
    total: sum(({ total }) => total),
    active: sum(({ active }) => active),
    idle: sum(({ idle }) => idle),
    idleInTransaction: sum(({ idleInTransaction }) => idleInTransaction),
    idleInTransactionAborted: sum(({ idleInTransactionAborted }) => idleInTransactionAborted),
  };
}

function nameOf({ service, application, user }: Source): string {
  if (service !== null) return service;
  return application === '' ? (user ?? 'not logged in') : application;
}
