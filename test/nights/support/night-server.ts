import { useServer } from '../../support/server.ts';
import type { Server } from '../../support/server.ts';
import { dbconnRoles } from './night.ts';

/** A server with dbconn's roles. */
export function useNightServer(
  options: Parameters<typeof useServer>[0],
  statements: readonly string[] = [],
): Server {
  return useServer(options, [...dbconnRoles, ...statements]);
}
