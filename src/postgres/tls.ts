import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';

/** One way to try: TLS with these options, or `false` for plain. */
export type TlsAttempt = ConnectionOptions | false;

/**
 * What libpq would try for this url, in its order (PostgreSQL documentation 34.19, table 34.1): `prefer` unless
 * told otherwise; `require` encrypts and verifies only if a root certificate is given; `verify-ca` does not
 * look at the host name. pg itself means other things by these words, so it never sees them.
 * Throws a sentence for an unknown mode or an unreadable certificate.
 */
export function tlsAttempts(url: URL): readonly TlsAttempt[] {
  const mode = url.searchParams.get('sslmode') ?? 'prefer';
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
      return [authority];
    case 'verify-full':
      return [given];
    default:
      throw new Error('sslmode of the database url is none of libpq’s words.');
  }
}

/** The url without what only libpq understands. */
export function withoutTls(url: URL): string {
  const bare = new URL(url);
  for (const name of ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'])
    bare.searchParams.delete(name);
  return bare.href;
}

function isSocket(url: URL): boolean {
  return url.hostname === '' || url.hostname.startsWith('%2F') || url.searchParams.has('host');
}

function certificates(url: URL): ConnectionOptions {
  const file = (name: string): string | undefined => {
    const path = url.searchParams.get(name);
    if (path === null) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      throw new Error(`The file that ${name} of the database url names cannot be read.`, {
        cause: error,
      });
    }
  };
  const [ca, cert, key] = [file('sslrootcert'), file('sslcert'), file('sslkey')];
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}
