import { readFileSync } from 'node:fs';
import { rootCertificates } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { UnusableUrl } from './failure.ts';

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
