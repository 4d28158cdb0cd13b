import type { Environment } from './environment.ts';
import type { TargetEntry } from './file.ts';
import { isPostgresUrl } from './postgres-url.ts';

/**
 * The roles dbconn logs in with: of a target's addresses, and of a journal in PostgreSQL, which may be on the same
 * server. An address without a role means PGUSER, else the user of the operating system, as pg has it.
 */
export function ownRolesOf(
  { url, actingUrl, reservedUrl, rescueUrl }: TargetEntry['database'],
  journal: string,
  environment: Environment,
): readonly string[] {
  const urls = [
    url,
    actingUrl,
    reservedUrl,
    rescueUrl,
    ...(isPostgresUrl(journal) ? [journal] : []),
  ];
  const roles = urls.flatMap((address) => {
    const parsed = address === undefined ? null : URL.parse(address);
    if (parsed === null) return [];
    const { username, searchParams } = parsed;
    const role = searchParams.get('user') ?? decodeURIComponent(username);
    return [role === '' ? (environment['PGUSER'] ?? environment['USER'] ?? '') : role];
  });
  return [...new Set(roles)].filter((role) => role !== '');
}
