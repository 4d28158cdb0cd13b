import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { DatabaseError } from 'pg';
import { UnusableUrl } from '../failure.ts';
import { PhaseKnown, toStopped } from './login-refusal.ts';
import { readPhase } from './read-phase.ts';

/** One way to try: TLS with these options, or `false` for plain. */
export type TlsAttempt = ConnectionOptions | false;

/**
 * What libpq would try for this url, in its order (PostgreSQL documentation 34.19, table 34.1): `prefer` unless
 * told otherwise; `require` encrypts and verifies only if a root certificate is given; `verify-ca` does not
 * look at the host name, and so is of no use without a root certificate of one's own. Without one `verify-full`
 * trusts the well-known authorities. pg itself means other things by these words, so it never sees them.
 * Throws UnusableUrl for an unknown mode or an unreadable certificate.
 */
export function tlsAttempts(url: URL): readonly TlsAttempt[] {
  const mode = modeOf(url);
  if (isSocket(url) || mode === 'disable') return [false];
  const given = certificates(url);
  const unverified = { ...given, rejectUnauthorized: false };
  const authority = { ...given, checkServerIdentity: () => undefined };
  switch (mode) {
    case 'allow':
      return [false, unverified];
    case 'prefer':
      return [unverified, false];
    case 'require':
      return [given.ca === undefined ? unverified : authority];
    case 'verify-ca':
      if (given.ca !== undefined) return [authority];
      throw new UnusableUrl('sslmode=verify-ca of the database url needs an sslrootcert.');
    case 'verify-full':
      return [given];
    default:
      throw new UnusableUrl('sslmode of the database url is none of libpq’s words.');
  }
}

/** What libpq understands and pg does not, or reads in another way. */
const ours = 'sslmode sslrootcert sslcert sslkey sslpassword sslnegotiation ssl uselibpqcompat';

/** The url without what is decided here, and without a name for our session: it would win over `dbconn`. */
export function withoutTls(url: URL): string {
  const bare = new URL(url);
  for (const name of [...ours.split(' '), 'application_name', 'fallback_application_name'])
    bare.searchParams.delete(name);
  return bare.href;
}

/** `ssl=true` is how JDBC says `require`, and libpq takes it. Well-known authorities are for `verify-full` only. */
function modeOf(url: URL): string {
  const mode = url.searchParams.get('sslmode');
  if (url.searchParams.get('sslrootcert') !== 'system') {
    return mode ?? (url.searchParams.get('ssl') === 'true' ? 'require' : 'prefer');
  }
  if (mode === null || mode === 'verify-full') return 'verify-full';
  throw new UnusableUrl('sslrootcert=system of the database url needs sslmode=verify-full.');
}

/** A host that begins with a slash is a directory; the parameter wins over the url's own host. */
function isSocket(url: URL): boolean {
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname);
  return host === '' || host.startsWith('/');
}

function certificates(url: URL): ConnectionOptions {
  const file = (name: string): string | undefined => {
    const path = url.searchParams.get(name);
    if (path === null) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new UnusableUrl(`The file that ${name} of the database url names cannot be read.`, {
        cause: error,
      });
    }
  };
  const isSystem = url.searchParams.get('sslrootcert') === 'system';
  const ca = isSystem ? [...rootCertificates] : file('sslrootcert');
  const [cert, key] = [file('sslcert'), file('sslkey')];
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

/** A server that refuses does so at once. */
const phaseWithinMs = 500;

/**
 * Opens a connection by the ways of TLS that the url allows, in libpq's order.
 * Throws UnusableUrl for a bad url, else what `open` met: rather what the server refused than how it was asked.
 */
export async function connectByTls<T>(
  url: string,
  open: (bareUrl: string, ssl: TlsAttempt) => Promise<T>,
): Promise<T> {
  const parsed = new URL(url);
  let refusal: DatabaseError | undefined;
  let failure: unknown;
  for (const attempt of tlsAttempts(parsed)) {
    try {
      return await open(withoutTls(parsed), attempt);
    } catch (error) {
      if (error instanceof DatabaseError) refusal = error;
      failure = error;
      if (!isAboutTls(error)) break;
    }
  }
  // "This server has no TLS" is the answer to our way of asking; what the server refused is the trouble.
  throw (await findPhase(refusal, url)) ?? refusal ?? failure;
}

/** A refusal in another language is worth a second question. */
async function findPhase(
  refusal: DatabaseError | undefined,
  url: string,
): Promise<PhaseKnown | undefined> {
  if (refusal?.code !== '57P03' || toStopped(refusal).detail !== 'not-accepting') return undefined;
  const phase = await readPhase(refusal, url, phaseWithinMs);
  return phase === undefined ? undefined : new PhaseKnown(phase, refusal);
}

/** Only these make libpq try its second way: no TLS there, none that both know, or nobody let in without it. */
function isAboutTls(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  // pg_hba.conf, in whatever language.
  if (error instanceof DatabaseError && error.routine === 'ClientAuthentication') return true;
  if ('code' in error && error.code === 'EPROTO') return true;
  return /SSL connection|no pg_hba\.conf entry|no encryption/.test(error.message);
}
