import type { Blockers } from '../runbook/remedies/d-stop-blockers/ports.ts';
import { withPrivilegedConnection } from './acting-connection.ts';
import { readBlockers } from './read-blockers.ts';
import { readWaiters } from './read-waiters.ts';
import { readWaits } from './read-waits.ts';
import { readSlow } from './read-slow.ts';
import { signalBlocker } from './signal-blocker.ts';

/** @param url a role with pg_monitor and pg_signal_backend; a superuser where the application is one */
export function createBlockers({ url }: { readonly url: string }): Blockers {
  return {
    act: (work) =>
      withPrivilegedConnection(url, (client) =>
        work({
          readWaits: () => readWaits(client),
          readWaiters: (pids) => readWaiters(client, pids),
          readSlow: (slow, guard) => readSlow(client, slow, guard),
          readBlockers: (pids, guard) => readBlockers(client, pids, guard),
          signalBlocker: (signal, under) => signalBlocker(client, signal, under),
        }),
      ),
  };
}
