import { quoteIdentifier } from '../../snapshot/words.ts';
import type { RoleLimitReading } from '../../ports/role-limits.ts';
import type { RemedyRequest } from '../ask.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer } from '../remedy.ts';

type LimitCheckRequest = Extract<RemedyRequest, { kind: 'limit-connections' }>;

/** Whether the limit can be set and would bind, before anybody votes on it. */
export function checkLimit(ask: LimitCheckRequest, now: RoleLimitReading): Answer<null> {
  const { role, isOwn, inRecovery } = now;
  if (ask.limit === 0) {
    const why = 'A limit of 0 lets nobody of that role log in.';
    return refuse('locks-out', why, 'Take 1 or more; ALTER ROLE … NOLOGIN says 0 better, by hand.');
  }
  if (role === undefined) {
    return refuse('unknown-role', 'There is no role of that name.', 'List the roles with \\du.');
  }
  if (isOwn) {
    const why = 'dbconn logs in as that role: a limit could lock it out in the next incident.';
    return refuse('own-role', why, 'Name the role of the clients that hold too much.');
  }
  if (role.superuser) {
    const why = 'That role is a superuser, whom no connection limit binds.';
    return refuse('superuser', why, 'Give those clients a role that is no superuser first.');
  }
  if (!role.canLogin) {
    const why = 'That role cannot log in, and its limit is not inherited: it would do nothing.';
    return refuse('group-role', why, 'Name the roles that log in.');
  }
  if (inRecovery) {
    const why = 'This server is a standby: roles are changed on its primary.';
    return refuse('standby', why, 'Propose it for the primary.');
  }
  if (role.limit === ask.limit) {
    return refuse('nothing-to-do', 'Its connection limit is so already.', 'Look with \\du.');
  }
  return checkRight(ask, now);
}

/** PostgreSQL's ALTER ROLE: a superuser, or CREATEROLE, from 16 on with ADMIN OPTION for that role. */
function checkRight(
  ask: LimitCheckRequest,
  { acting, version, role }: RoleLimitReading,
): Answer<null> {
  const mayAlter = acting.createRole && (version < 160_000 || role?.isAdministered === true);
  if (acting.superuser || mayAlter) return done(null);
  const byHand = `ALTER ROLE ${nameOf(ask.role)} CONNECTION LIMIT ${ask.limit ?? -1};`;
  const grant =
    version < 160_000
      ? ''
      : ` Or let dbconn do it: GRANT ${nameOf(ask.role)} TO ${quoteIdentifier(acting.role)} WITH ADMIN OPTION, INHERIT FALSE, SET FALSE; and ALTER ROLE ${quoteIdentifier(acting.role)} CREATEROLE;`;
  const next = `Run it by hand as a superuser: ${byHand}${grant}`;
  return refuse('privilege', 'The acting role may not change that role.', next);
}

/** A refusal is shown to everybody, so a name stands in it only where nothing could be read into it. */
function nameOf(role: string): string {
  return /^[\w.-]+$/.test(role) ? quoteIdentifier(role) : '…';
}
