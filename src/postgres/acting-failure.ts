import type { ReachError } from '../runbook/snapshot/snapshot.ts';
import { PrivilegedUnavailable } from '../runbook/remedies/acting-unavailable.ts';
import { isFull, toReachError } from './failure.ts';

/** What the acting connection met, in words for the operator; what those words mean for a look means something else here. */
export function toPrivilegedError(error: unknown): PrivilegedUnavailable {
  return new PrivilegedUnavailable(toSentence(error), { cause: error });
}

function toSentence(error: unknown): string {
  const hasCode = error instanceof Error && 'code' in error;
  const reach = toReachError(error);
  // pg reports its own time-outs and a connection that broke as plain text.
  if (reach.kind === 'network' && !hasCode) return 'The acting connection timed out or was lost.';
  if (isFull(reach)) return full;
  return ownWords[reach.kind] ?? `${reach.summary} ${reach.fix}`;
}

const full =
  'PostgreSQL has no slot for the acting role. Set reserved_connections and GRANT pg_use_reserved_connections to it (PostgreSQL 16+), raise its CONNECTION LIMIT if it has one, or restart the service (option C).';

const ownWords: Readonly<Partial<Record<ReachError['kind'], string>>> = {
  auth: 'PostgreSQL refuses the login of the acting role. Check actingUrl, and pg_hba.conf.',
  privilege:
    'The acting role lacks a privilege. GRANT pg_monitor and pg_signal_backend to it; see deploy/grants.sql.',
};
