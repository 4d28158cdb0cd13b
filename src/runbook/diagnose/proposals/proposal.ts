import { quoteIdentifier } from '../../snapshot/words.ts';
import type { Cause, CauseName, Finding, Proposal } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { whyFixed } from '../pool-sizes.ts';
import type { FittingPool } from '../pool-sizes.ts';

/** Why sessions cannot be ended from here, or null when they can. */
export function whyNotSignal({ reading, target, findService }: Evidence): string | null {
  if (reading === undefined) return 'dbconn has no connection to PostgreSQL.';
  const { canSignal, roleSuperuser, role } = reading.visibility;
  const isListed = (user: string | null): boolean => target.applicationRoles.includes(user ?? '');
  const superusers = reading.sessions.filter(
    (one) =>
      one.superuser &&
      !one.own &&
      !one.canSignal &&
      (isListed(one.user) || findService(one.client, one.application) !== null),
  );
  // Whether the acting role is a superuser shows when it plans; it says so itself then.
  const mayBeActed = target.canAct === true && superusers.every(({ user }) => isListed(user));
  if (superusers.length > 0 && !mayBeActed) {
    return 'The application logs in as a superuser, so only a superuser may end its sessions. Set actingUrl to one, and list the role in applicationRoles.';
  }
  if (target.canAct === true) return null;
  if (target.canAct === false) {
    return 'dbconn has no role that may end sessions: set actingUrl to one with pg_signal_backend.';
  }
  if (canSignal || roleSuperuser) return null;
  return `dbconn's role may not end sessions: GRANT pg_signal_backend TO ${quoteIdentifier(role)}; or set actingUrl.`;
}

/** Why a pool cannot be given these numbers from here, or null when nothing is known against it. */
export function whyNotResize(evidence: Evidence, fitting: FittingPool): string | null {
  const why = whyNotDocker(evidence);
  if (why !== null) return why;
  if (evidence.target.canResize !== false) return whyFixed(evidence.services, fitting);
  return "The Compose project's directory is not configured: set compose.directory, or write the two numbers by hand.";
}

/** Why containers cannot be touched from here, or null when they can be seen at least. */
export function whyNotDocker({ snapshot }: Evidence): string | null {
  if (snapshot.services.ok) return null;
  const { kind } = snapshot.services.problem;
  if (kind === 'not-configured') return 'No Compose project is configured for this target.';
  return kind === 'forbidden'
    ? 'Docker does not let dbconn see the containers; doctor shows what it needs.'
    : 'Docker cannot be reached; doctor shows how to fix it.';
}

/** A proposal, and what it costs whom: the lower, the earlier it is offered. */
export interface ScoredProposal {
  readonly regret: number;
  readonly proposal: Proposal;
}

/** What a proposal is made from. */
export interface ProposalInput {
  readonly evidence: Evidence;
  readonly causes: readonly Cause[];
  readonly findings: readonly Finding[];
  /** Slots are short: now, or refused without a look. */
  readonly short: boolean;
  /** So short that connections are refused, or about to be. */
  readonly critical: boolean;
  readonly has: (cause: CauseName) => boolean;
}

/**
 * `propose C backend`: what to type to get a proposal, names with spaces in quotes. Undefined for a name that
 * could not be typed back, or would stand on a button as something else than a name.
 */
export function toCommand(...words: readonly [string, ...string[]]): string | undefined {
  const quoted = words.map((word) => (/\s/.test(word) ? `"${word}"` : word));
  return words.every((word) => /^[\w .:@/-]{1,63}$/.test(word))
    ? ['propose', ...quoted].join(' ')
    : undefined;
}
