import type { DatabaseReading, ServiceReading, SourceReading } from '../snapshot/snapshot.ts';
import type { Target } from '../snapshot/target.ts';
import { count, sum } from '../snapshot/words.ts';
import type { Budget, Capacity, Holder, Source } from './diagnosis.ts';

/**
 * What an application_name says of who it is. Names carry the address, port, pid, pod or number of one process
 * (PgBouncer's application_name_add_host, Kubernetes, gunicorn), and every such session would be a holder of its own.
 */

/** What differs between processes of one application, and says nothing of which application it is. */
const instanceParts: readonly RegExp[] = [
  /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi,
  // PgBouncer appends its client: " - 10.0.0.7:40001", " - unix(4711):6432".
  /\s-\s\S+:\d+$/g,
  /@\[?[\w.:-]+\]?/g,
  /\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g,
  /\[?\b(?:[0-9a-f]{1,4}:){3,7}[0-9a-f]{0,4}\]?(?::\d+)?/gi,
  /[([{][^()[\]{}]*\d[^()[\]{}]*[)\]}]/g,
  // A pod of a Kubernetes deployment: the hash of its replica set, and five characters of its own.
  /-(?=[a-z0-9]*\d)[a-z0-9]{5,10}-[a-z0-9]{5}(?![\w-])/g,
  // Hexadecimal, or several numbers in one word: an id.
  /\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{6,}\b/gi,
  /\b(?:\d+[a-z]+|[a-z]+\d+[a-z]+)\d[a-z0-9]*\b/gi,
  // A number of its own or at the end of a word; v2 and s3 are part of a name.
  /(?<![a-z\d])\d+(?![a-z])|(?<=[a-z]{2})\d+(?![a-z\d])/gi,
];

/** The application without what tells its processes apart; the name itself where nothing else is in it. */
export function toApplication(name: string): string {
  const bare = instanceParts.reduce((text, part) => text.replaceAll(part, ''), name);
  const stem = bare
    .replaceAll(/[([{]\s*[)\]}]/g, '')
    .replaceAll(/(?<=^|\s)[-_.:,#/|=]+(?=\s|$)/g, '')
    .replaceAll(/^[\s\-_.:,#/|=]+|[\s\-_.:,#/|=]+$/g, '');
  return /[a-z]{2}/i.test(stem) ? stem.replaceAll(/\s+/g, ' ') : name;
}

/** What processes have in common: their name where it is the same, else what is the same in it. */
export function commonName(names: readonly string[]): string {
  const [first = ''] = names;
  return names.every((name) => name === first) ? first : toApplication(first);
}

/** What a driver calls every application that does not name itself. */
const driverNames: ReadonlySet<string> = new Set([
  'postgresql jdbc driver',
  'r2dbc-postgresql',
  'postgres.js',
  'psycopg',
  'psycopg2',
  'psqlodbc',
  'npgsql',
  'node-postgres',
  'asyncpg',
  'pg8000',
  'pgx',
]);

/** Whether the name says nothing of the application. */
export function isNameless(name: string): boolean {
  const plain = name.trim().toLowerCase();
  return plain === '' || driverNames.has(plain);
}

const consoles =
  /^(?:psql|pgcli|pgadmin|dbeaver|datagrip|intellij|pycharm|webstorm|phpstorm|goland|rubymine|rider|tableplus|postico|navicat|heidisql|beekeeper|azure data studio|dbvisualizer|dbvis|sql workbench|squirrel sql|omnidb|phppgadmin|adminer|vscode)\b/i;

/** Whether a person sits before it: a console holds one session and has no pool. */
export function isConsole(name: string): boolean {
  return consoles.test(name.trim());
}

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

/** Clients of no configured service that hold most of what is used, while a configured one holds little. */
export interface Strangers {
  readonly holds: number;
  readonly sources: readonly Source[];
  /** Configured services that are squeezed out: nothing is ever taken from them. */
  readonly victims: readonly string[];
  /** Whom a connection limit would hold back, and at how many; absent where it would hit a service too. */
  readonly limit?: { readonly role: string; readonly to: number; readonly holds: number };
}

interface StrangersInput {
  readonly target: Target;
  readonly reading: DatabaseReading | undefined;
  readonly capacity: Capacity | null;
  readonly sources: readonly Source[];
  readonly budget: Budget;
}

/** From this share of what is used on, the holder is the subject. */
const mostShare = 0.5;
/** A service that holds less than this share is no cause. */
const victimShare = 0.2;
/** What a limit leaves to everybody, as pools do. */
const plannedShare = 0.8;

/**
 * Whether strangers hold most: sessions of no configured service and no pooler, dbconn's own excepted. Where no service holds any
 * session, sessions cannot be told apart here, and nobody is a stranger.
 */
export function findStrangers(input: StrangersInput): Strangers | null {
  const { reading, capacity, budget, sources } = input;
  if (reading === undefined || capacity === null || capacity.used === 0) return null;
  const strange = sources.filter(
    ({ service, kind, pooler }) => service === null && kind !== 'own' && pooler === undefined,
  );
  const holds = sum(strange.map(({ total }) => total));
  const served = budget.lines.filter((line) => (line.holds ?? 0) > 0);
  if (served.length === 0 || holds < capacity.used * mostShare) return null;
  const victims = served.filter((line) => (line.holds ?? 0) < capacity.used * victimShare);
  const limit = limitOf(strange, input);
  return {
    holds,
    sources: strange,
    victims: victims.map(({ service }) => service),
    ...(limit !== undefined && { limit }),
  };
}

/** `90 of 97 connections belong to no configured service: 45 clients.` */
export function describeStrangers({ holds, sources }: Strangers, used: number): string {
  const clients = new Set(sources.map(({ client }) => client)).size;
  return `${holds} of ${count(used, 'connection')} belong to no configured service: ${count(clients, 'client address', 'client addresses')}.`;
}

/** The role that holds most of them, unless a service logs in as it too, or it is one that no limit binds. */
function limitOf(strange: readonly Source[], input: StrangersInput): Strangers['limit'] {
  const { reading, capacity, sources, budget } = input;
  const shared = new Set(sources.filter(({ service }) => service !== null).map(({ user }) => user));
  const free = new Set((reading?.superuserRoles ?? []).map(({ name }) => name));
  const [largest] = [...Map.groupBy(strange, ({ user }) => user)]
    .filter(([user]) => user !== null && !shared.has(user) && !free.has(user ?? ''))
    .map(([user, held]) => ({ role: user ?? '', holds: sum(held.map(({ total }) => total)) }))
    .toSorted((a, b) => b.holds - a.holds);
  if (largest === undefined || capacity === null) return undefined;
  // The services may come back to what their pools may open.
  const needed = sum(
    budget.lines.map(({ mayOpen, holds }) => Math.max(0, toNumber(mayOpen) - (holds ?? 0))),
  );
  const rest = capacity.used - largest.holds;
  const room = Math.floor(capacity.usable * plannedShare) - rest - needed;
  return { ...largest, to: Math.max(1, Math.min(room, largest.holds - 1)) };
}

function toNumber(mayOpen: Budget['mayOpen']): number {
  return typeof mayOpen === 'number' ? mayOpen : 0;
}
