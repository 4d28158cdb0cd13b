import type { Target } from '../snapshot/target.ts';
import type { Holder, Source } from './diagnosis.ts';
import { commonName, isConsole, isNameless, toApplication } from './holder-name.ts';
import type { DatabaseReading, ServiceReading, SourceReading } from '../snapshot/snapshot.ts';

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
    const named = findNamed(application, byApplication);
    // Beside a database on the same host it has the database's address, and somebody's psql may have a service's.
    if (application === 'dbconn' || (named === null && isConsole(application))) return null;
    return (client === null ? null : byAddress.get(client)) ?? named;
  };
}

/** By the name itself, or by what is left of it without the address, number or id of one process. */
function findNamed(application: string, byApplication: ReadonlyMap<string, string>): string | null {
  const exact = byApplication.get(application);
  if (exact !== undefined) return exact;
  const stem = toApplication(application);
  const alike = [...byApplication.keys()].filter((name) => toApplication(name) === stem);
  const begin = alike.find(
    (name) => application.startsWith(name) && !/^\w/.test(application.slice(name.length)),
  );
  return byApplication.get(begin ?? (alike.includes(stem) ? stem : '')) ?? null;
}

/** Fewer sessions of a superuser that no service explains are somebody's console or job. */
const leastAlike = 3;

/** By its role and its name: anybody can call themselves dbconn. */
function isOwn(
  { user, application }: SourceReading,
  { visibility }: Pick<DatabaseReading, 'visibility'>,
  ownRoles: readonly string[],
): boolean {
  return application === 'dbconn' && (user === visibility.role || ownRoles.includes(user ?? ''));
}

/** Whose sessions these are that are not dbconn's own: somebody's console's, or an application's. */
function kindOf(
  { user, application, total }: SourceReading,
  service: string | null,
  { superuserRoles }: Pick<DatabaseReading, 'superuserRoles'>,
): Exclude<Source['kind'], 'own'> {
  if (service !== null) return 'application';
  const isSuperuser = superuserRoles.some(({ name }) => name === user);
  return isConsole(application) || (isSuperuser && total < leastAlike) ? 'person' : 'application';
}

export function toSources(
  reading: DatabaseReading,
  findService: FindService,
  ownRoles: readonly string[] = [],
): Source[] {
  return reading.sources.map((source) => {
    const service = findService(source.client, source.application);
    return {
      user: source.user,
      application: source.application,
      client: source.client,
      database: source.database,
      service,
      kind: isOwn(source, reading, ownRoles) ? 'own' : kindOf(source, service, reading),
      total: source.total,
      active: source.active,
      idle: source.idle,
      idleInTransaction: source.idleInTransaction,
      idleInTransactionAborted: source.idleInTransactionAborted,
    };
  });
}

/**
 * Who it is that holds a source's connections: ten replicas are ten sources and one holder. Without a name of its own
 * an application is told by its role and address.
 */
export function holderKey({ service, pooler, application, user, client }: Source): string {
  if (pooler !== undefined) return JSON.stringify(['', pooler]);
  if (service !== null) return JSON.stringify([service]);
  return JSON.stringify(
    isNameless(application) ? ['', user, client] : [toApplication(application), user],
  );
}

/** Ten replicas are ten sources and one holder: the one to talk to. Largest first; dbconn's own sessions are none. */
export function toHolders(sources: readonly Source[]): Holder[] {
  const groups = Map.groupBy(
    sources.filter(({ kind }) => kind !== 'own'),
    holderKey,
  );
  return [...groups.values()].map(toHolder).toSorted((a, b) => b.total - a.total);
}

function toHolder(sources: readonly Source[]): Holder {
  const sum = (count: (source: Source) => number): number =>
    sources.reduce((total, source) => total + count(source), 0);
  return {
    name: nameOf(sources),
    service: sources[0]?.service ?? null,
    clients: new Set(sources.map(({ client }) => client)).size,
    total: sum(({ total }) => total),
    active: sum(({ active }) => active),
    idle: sum(({ idle }) => idle),
    idleInTransaction: sum(({ idleInTransaction }) => idleInTransaction),
    idleInTransactionAborted: sum(({ idleInTransactionAborted }) => idleInTransactionAborted),
  };
}

function nameOf(sources: readonly Source[]): string {
  const { service = null, pooler, application = '', user = null, client = null } = sources[0] ?? {};
  if (pooler !== undefined) return pooler;
  if (service !== null) return service;
  if (!isNameless(application)) return commonName(sources.map((source) => source.application));
  const role = user ?? 'not logged in';
  return client === null ? role : `${role} at ${client}`;
}
