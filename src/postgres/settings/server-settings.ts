import type { ServerSettings } from '../../runbook/ports/server-settings.ts';
import { withPrivilegedConnection } from '../acting-connection.ts';
import { alterMaxConnections } from './alter-max-connections.ts';
import { readAcceptance } from './read-acceptance.ts';
import { readMaxConnections } from '../privileged/read-max-connections.ts';
import { writeCheckpoint } from './write-checkpoint.ts';

/** max_connections over PostgreSQL itself, as the acting role. Each call has a connection of its own: a restart ends all. */
export function createServerSettings(url: string): ServerSettings {
  return {
    readMaxConnections: () => withPrivilegedConnection(url, readMaxConnections),
    alterMaxConnections: (to, lease) => alterMaxConnections({ url, lease }, to),
    writeCheckpoint: () => writeCheckpoint(url),
    readAcceptance: () => readAcceptance(url),
  };
}
