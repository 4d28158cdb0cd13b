import type Docker from 'dockerode';
import { inspect, Inspected } from '../containers.ts';
import type { FoundContainer } from '../containers.ts';

/** As whom health checks log in to PostgreSQL, and to which databases. */
export interface ProbeLogins {
  readonly databases: ReadonlySet<string>;
  readonly roles: ReadonlySet<string>;
}

/** One container of each service says what all of its replicas do; a project with more services is not read through. */
const mostServices = 20;

/**
 * What the health checks of a project's containers log in with. `pg_isready -U app` asks for a database called app, and
 * where there is none PostgreSQL logs a refusal every few seconds while the check is green. Never throws.
 */
export async function readProbeLogins(
  docker: Docker,
  services: ReadonlyMap<string, readonly FoundContainer[]>,
  budgetMs: number,
): Promise<ProbeLogins> {
  const running = [...services.values()].flatMap(
    (containers) => containers.find(({ state }) => state === 'running') ?? [],
  );
  const logins = await Promise.all(
    running.slice(0, mostServices).map(async ({ id }) => {
      try {
        return loginsOf(await inspect(docker, id, { as: Inspected, budgetMs }));
      } catch {
        return []; // then its lines count as anybody's
      }
    }),
  );
  return {
    databases: new Set(logins.flat().flatMap(({ database }) => database ?? [])),
    roles: new Set(logins.flat().flatMap(({ role }) => role ?? [])),
  };
}

const refusal = /\bFATAL: {1,4}(?<what>database|role) "(?<name>[^"]{1,63})" does not exist\s*$/;

/** Whether a line of PostgreSQL's log may be a health check's: only then its logins are worth a look. */
export function mayBeProbe(line: string): boolean {
  return refusal.test(line);
}

export function isProbe(line: string, { databases, roles }: ProbeLogins): boolean {
  const { what, name = '' } = refusal.exec(line)?.groups ?? {};
  return what === undefined ? false : (what === 'role' ? roles : databases).has(name);
}

interface Login {
  readonly database: string | undefined;
  readonly role: string | undefined;
}

const word = /"(?<double>[^"]*)"|'(?<single>[^']*)'|[;|&()]+|[^\s;|&()"']+/g;
const program = /(?:^|\/)(?<name>pg_isready|psql)$/;
/** Options in one letter that take a value; the others stand alone, before it too. */
const withValue = {
  pg_isready: /^-(?<flags>[A-Za-z]*?)(?<letter>[dhptU])(?<value>.*)$/,
  psql: /^-(?<flags>[A-Za-z]*?)(?<letter>[dhpUcfvPFRToL])(?<value>.*)$/,
} as const;

/** Those of every pg_isready and psql in it. Its environment is read for their variables only. */
function loginsOf({ Config: config }: Inspected): Login[] {
  const [, ...test] = config.Healthcheck?.Test ?? [];
  const words = toWords(test.join(' ')).flatMap((text) =>
    // What `sh -c` gets is a command of its own.
    / /.test(text) && /\b(?:pg_isready|psql) /.test(text) ? toWords(text) : [text],
  );
  const lookup = (name: string): string | undefined =>
    config.Env?.findLast((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1);
  const fill = (text: string): string =>
    text.replaceAll(
      /\$\{?(\w+)(?::?-([^}]*))?\}?/g,
      (_all, name: string, usual?: string) => lookup(name) || (usual ?? ''),
    );
  // Docker runs it as the container's user, which has no name where it is a number.
  const user = /^[A-Za-z_][\w-]*/.exec(config.User || 'root')?.[0];
  const at = words.flatMap((text, index) => (program.test(text) ? [index] : []));
  return at.map((index) => {
    const isPsql = program.exec(words[index] ?? '')?.groups?.['name'] === 'psql';
    const given = readOptions(words.slice(index + 1).map(fill), isPsql ? 'psql' : 'pg_isready');
    const role = given.role ?? lookup('PGUSER') ?? user;
    return { role, database: given.database ?? lookup('PGDATABASE') ?? role };
  });
}

function toWords(text: string): string[] {
  return [...text.matchAll(word)].map(
    ({ 0: whole, groups: { double, single } = {} }) => double ?? single ?? whole,
  );
}

function readOptions(words: readonly string[], of: keyof typeof withValue): Login {
  let [database, role]: (string | undefined)[] = [];
  const rest: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const text = words[index] ?? '';
    if (/^[;|&()]+$/.test(text)) break;
    const long = /^--(?<name>dbname|username)(?:=(?<value>.*))?$/.exec(text)?.groups;
    const short = text.startsWith('--') ? undefined : withValue[of].exec(text)?.groups;
    if (long === undefined && short === undefined) {
      if (!text.startsWith('-')) rest.push(text);
      continue;
    }
    const inline = (long ?? short)?.['value'];
    const value = inline === undefined || inline === '' ? words[(index += 1)] : inline;
    if (long?.['name'] === 'dbname' || short?.['letter'] === 'd') database = value;
    if (long?.['name'] === 'username' || short?.['letter'] === 'U') role = value;
  }
  if (of === 'psql') [database = rest[0], role = rest[1]] = [database, role];
  return { ...readConnection(database), ...(role !== undefined && { role }) };
}

/** A name, an address, or a list of keywords, as libpq takes a dbname. */
function readConnection(database: string | undefined): Login {
  if (database?.includes('://') === true) {
    const url = URL.parse(database);
    const name = url?.pathname.slice(1) ?? '';
    return { database: name === '' ? undefined : name, role: url?.username || undefined };
  }
  if (database?.includes('=') !== true) return { database, role: undefined };
  const valueOf = (key: string): string | undefined =>
    new RegExp(`\\b${key} *= *(\\S+)`).exec(database)?.[1];
  return { database: valueOf('dbname'), role: valueOf('user') };
}
