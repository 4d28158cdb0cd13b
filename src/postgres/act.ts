import type { PrivilegedConnection } from '../runbook/snapshot/ports.ts';
import { withPrivilegedConnection } from './acting-connection.ts';
import { readRemainingSessions } from './read-remaining-sessions.ts';
import { readTerminateCandidates } from './read-terminate-candidates.ts';
import { terminateSessions } from './terminate-sessions.ts';

interface IdleSessionsOptions {
  /**
   * A role with pg_monitor and pg_signal_backend; a superuser where the application is one. Never the looking role:
   * that one is always connected, and what it may not do nobody can make it do.
   */
  readonly url: string;
}

/** Opens a connection for each piece of work and closes it after. */
export function createIdleSessions({ url }: IdleSessionsOptions): PrivilegedConnection {
  return {
    act: (work) =>
      withPrivilegedConnection(url, (client) =>
        work({
          readTerminateCandidates: (query) => readTerminateCandidates(client, query),
          terminateSessions: (sessions, under) => terminateSessions(client, sessions, under),
          readRemainingSessions: (sessions) => readRemainingSessions(client, sessions),
        }),
      ),
  };
}
