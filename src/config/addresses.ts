import { ConfigError } from './environment.ts';

type Read =
  | { readonly ok: true; readonly url: string }
  /** What is wrong, to stand after the setting's name. No part of the address is in it. */
  | { readonly ok: false; readonly why: string };

/** `postgresql+asyncpg://` is SQLAlchemy's: the driver after the plus is none of the server's business. */
const scheme = /^(postgres(?:ql)?)(?:\+\w+)?:\/\//i;

/**
 * The parameters that dbconn and pg read as libpq does. Others go: they are for the driver that the address was written
 * for (`prepared_statement_cache_size`, `schema`), and pg would take some for settings of its own (`binary`, `replication`).
 */
const parameters =
  /^(?:host|port|user|password|options|ssl|ssl(?:mode|rootcert|cert|key|password|negotiation)|uselibpqcompat)$/;
const sslModes = new Set(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full']);

export function isPostgresUrl(text: string): boolean {
  return scheme.test(text.trim());
}

/**
 * An address of a database as libpq reads it (PostgreSQL documentation 34.1.1.2, Connection URIs), or as SQLAlchemy
 * does, in the form that `new URL` and pg read alike. Where libpq would accept a character that `new URL` takes for the
 * end of something, the answer names it: half a password must not become a host name.
 */
export function readPostgresUrl(given: string): Read {
  const text = given.trim();
  const [start = '', name] = scheme.exec(text) ?? [];
  if (name === undefined) return refuse(nameOtherKind(text));
  const rest = text.slice(start.length).replaceAll(/%(?![0-9a-f]{2})/gi, '%25');
  const [authority = ''] = /^[^/?#]*/.exec(rest) ?? [];
  const special = findUnescaped(rest, authority);
  if (special !== null) return refuse(special);
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  if (host.includes(',')) return refuse(severalHosts);
  // `new URL` wants a host after a user or before a port; libpq does not, and its parameter `host` wins anyway.
  const isHostless = authority !== '' && /^(?::\d*)?$/.test(host);
  const before = authority.slice(0, authority.length - host.length);
  const filled = isHostless ? `${before}localhost${rest.slice(before.length)}` : rest;
  const url = URL.parse(`${name}://${filled}`);
  if (url === null) return refuse(invalid(host));
  if (url.searchParams.getAll('host').join(',').includes(',')) return refuse(severalHosts);
  if (!isUtf8(url)) return refuse('has a % followed by digits that are no UTF-8: write a % as %25');
  return { ok: true, url: withoutDriver(url) };
}

const severalHosts =
  'names several hosts: dbconn checks one server per target. Name one host, and add a target for each other server';

function refuse(why: string): Read {
  return { ok: false, why };
}

function nameOtherKind(text: string): string {
  const shape = 'postgresql://user:password@host:5432/database';
  if (/^["']/.test(text)) return 'begins with a quote: remove the quotes around the address';
  if (/^jdbc:/i.test(text)) return `is a JDBC address: write it as ${shape}`;
  if (/^[a-z]+ *=/i.test(text)) return `is a list of keywords: write it as ${shape}`;
  return 'is not a postgres:// address';
}

/** A `#`, `/` or `?` of a password ends it for `new URL`, and what follows would become port, path or parameters. */
function findUnescaped(rest: string, authority: string): string | null {
  const encode = (character: string, code: string): string =>
    `has a ${character} that has to be percent-encoded: write ${code} for it in a user, password or name`;
  if (rest.includes('#')) return encode('#', '%23');
  const after = rest.slice(authority.length);
  if (!after.includes('@')) return null;
  const [path = ''] = after.split('?', 1);
  if (path.includes('@')) return encode('/ (or, after one, an @)', '%2F (%40)');
  if (authority.includes('@')) return null;
  // `?user=me@server` is a parameter; `a?b@` is a password.
  const isParameter = /^[^@]*[?&](?:user|password|options)=[^&]*@/.test(after);
  if (isParameter && /^[^:]*(?::\d*)?$|\](?::\d*)?$/.test(authority)) return null;
  return after.startsWith('/') ? encode('/', '%2F') : encode('?', '%3F');
}

function invalid(host: string): string {
  const fix = 'special characters in a user or password have to be percent-encoded';
  if (/:[^\]]*$/.test(host)) return `has no valid port: it is a number up to 65535, and ${fix}`;
  return `has no valid host: ${fix}`;
}

function isUtf8({ username, password, hostname, pathname }: URL): boolean {
  try {
    [username, password, hostname, pathname].forEach(decodeURIComponent);
    return true;
  } catch {
    return false;
  }
}

function withoutDriver(url: URL): string {
  const { searchParams } = url;
  // How asyncpg says sslmode.
  const ssl = searchParams.get('ssl') ?? '';
  if (sslModes.has(ssl) && !searchParams.has('sslmode')) searchParams.set('sslmode', ssl);
  for (const name of new Set(searchParams.keys())) {
    if (!parameters.test(name)) searchParams.delete(name);
  }
  return url.href;
}

interface ChosenJournal {
  readonly journal: string;
  /** The setting that named it, as an operator knows it. */
  readonly journalSetting: string;
}

/**
 * The environment wins, as the image sets DBCONN_JOURNAL to a file in its volume and can write nowhere else. Throws a
 * ConfigError for an address that cannot be used, and where the environment would part replicas that the file means to
 * share one journal: each would act on its own.
 */
export function chooseJournal(
  inFile: string | undefined,
  inEnvironment: string | undefined,
  file: string,
): ChosenJournal {
  if (inEnvironment !== undefined && inEnvironment !== '') {
    if (inFile !== undefined && inFile !== inEnvironment && isPostgresUrl(inFile)) {
      const where = `${file} names a shared journal, but DBCONN_JOURNAL wins (in the image it is set)`;
      throw new ConfigError([`${where}. Set DBCONN_JOURNAL to that address instead.`]);
    }
    return toChosen(inEnvironment, 'DBCONN_JOURNAL');
  }
  if (inFile !== undefined) return toChosen(inFile, `journal in ${file}`);
  return { journal: 'dbconn.sqlite', journalSetting: 'the default of DBCONN_JOURNAL' };
}

function toChosen(named: string, journalSetting: string): ChosenJournal {
  if (!isPostgresUrl(named)) return { journal: named, journalSetting };
  const read = readPostgresUrl(named);
  if (!read.ok) throw new ConfigError([`${journalSetting} ${read.why}.`]);
  return { journal: read.url, journalSetting };
}

/** `8080` on all interfaces, or `127.0.0.1:8080`; undefined where nothing is given. */
export function readHttpAddress(
  text: string,
): { readonly host: string; readonly port: number } | 'invalid' | undefined {
  if (text === '') return undefined;
  const [, host, digits] = /^(?:(.+):)?(\d{1,5})$/.exec(text) ?? [];
  const port = Number(digits);
  if (digits === undefined || port > 65_535) return 'invalid';
  return { host: host?.replaceAll(/^\[|\]$/g, '') ?? '0.0.0.0', port };
}
