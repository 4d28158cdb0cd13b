import type { Target } from '../../snapshot/target.ts';
import { count, quoteIdentifier } from '../../snapshot/words.ts';
import type { PlanDraft, SettingTarget } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { done, refuse, reportOne } from '../remedy.ts';
import type { Answer, Item, Recheck, Report, RunControl } from '../remedy.ts';
import type { RoleLimitReading, RoleLimitSession, RoleLimits } from './ports.ts';

type LimitCheckRequest = Extract<RemedyRequest, { kind: 'limit-connections' }>;

/** Whether the limit can be set and would bind, before anybody votes on it. */
function checkLimit(ask: LimitCheckRequest, now: RoleLimitReading): Answer<null> {
  const { role, isOwn, inRecovery } = now;
  if (ask.limit === 0) {
    const why = 'With a limit of 0 that role could not log in at all.';
    return refuse(
      'locks-out',
      why,
      'Choose 1 or more. To block logins, run ALTER ROLE … NOLOGIN by hand.',
    );
  }
  if (role === undefined) {
    return refuse('unknown-role', 'No role has that name.', 'List the roles with \\du.');
  }
  if (isOwn) {
    const why = 'dbconn logs in as that role: a limit could lock it out in the next incident.';
    return refuse(
      'own-role',
      why,
      'Choose the role of the clients that hold too many connections.',
    );
  }
  if (role.superuser) {
    const why = 'That role is a superuser, and connection limits do not apply to it.';
    return refuse('superuser', why, 'Move those clients to a role that is not a superuser first.');
  }
  if (!role.canLogin) {
    const why = 'That role cannot log in, so a limit would have no effect.';
    return refuse('group-role', why, 'Choose a role that logs in.');
  }
  if (inRecovery) {
    const why = 'This server is a standby: roles are changed on its primary.';
    return refuse('standby', why, 'Propose it for the primary.');
  }
  if (role.limit === ask.limit) {
    return refuse('nothing-to-do', 'That role already has this limit.', 'Check with \\du.');
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

type LimitRequest = Extract<RemedyRequest, { kind: 'limit-connections' }>;

interface LimitPorts {
  readonly roleLimits: RoleLimits;
  readonly target: Pick<Target, 'name' | 'services'>;
  readonly byHand?: boolean;
}

const name = 'CONNECTION LIMIT';

/** ALTER ROLE … CONNECTION LIMIT: it holds back new sessions of one role, and ends none. */
export async function proposeLimit(
  { roleLimits, target, byHand = false }: LimitPorts,
  ask: LimitRequest,
): Promise<Answer<PlanDraft>> {
  const now = await roleLimits.act((session) => session.readRoleLimit(ask.role));
  const flight = checkLimit(ask, now);
  const isLack = !flight.ok && flight.refusal.kind === 'privilege';
  return flight.ok || (byHand && isLack) ? done(draft(target, ask, now)) : flight;
}

/** A limit that somebody changed since the plan was made is another plan. */
export async function recheckLimit(
  { roleLimits }: LimitPorts,
  ask: LimitRequest,
  target: SettingTarget,
): Promise<Recheck> {
  const now = await roleLimits.act((session) => session.readRoleLimit(ask.role));
  if (now.role !== undefined && toTarget(ask, now).from === target.from) {
    return { left: [target], skipped: [] };
  }
  const reason = 'its limit changed since the plan was made';
  return { left: [], skipped: [{ what: name, label: ask.role, reason }] };
}

interface LimitRun {
  readonly session: RoleLimitSession;
  readonly control: RunControl;
  readonly ask: LimitRequest;
}

/** Sets it and reads it back. */
export async function setLimit({ session, control, ask }: LimitRun): Promise<Report> {
  if (await control.isStopped())
    return report('not reached', 'All changes were stopped before this one.');
  await control.intend({ step: 0, sentence: `write ${name} ${textOf(ask.limit) ?? 'none'}` });
  const refusal = await session.alterRoleLimit(ask.role, ask.limit, control.lease);
  if (refusal !== undefined) {
    await control.record({ step: 0, sentence: `PostgreSQL refused it (${refusal})` });
    return report('failed', `PostgreSQL refused it (SQLSTATE ${refusal}). Nothing changed.`);
  }
  const { role, open } = await session.readRoleLimit(ask.role);
  await control.record({ step: 0, sentence: `${name} is written` });
  if (role?.limit !== ask.limit) {
    return report('unknown', 'Somebody else changed the limit at the same time.');
  }
  return report(
    'set',
    `The limit is set. ${count(open, 'session of the role stays', 'sessions of the role stay')} connected.`,
  );
}

/** After a crash: one statement, so it was either written or not. */
export async function finishLimit(
  { session, ask }: LimitRun,
  { from }: SettingTarget,
): Promise<Report> {
  const { role } = await session.readRoleLimit(ask.role);
  const now = role?.limit ?? null;
  if (role !== undefined && now === ask.limit) return report('set', 'It is set.');
  return role !== undefined && textOf(now) === from
    ? report('not reached', 'It was not written. Nothing changed.')
    : report('unknown', 'Somebody else set another limit since. dbconn did not change it.');
}

function draft(target: LimitPorts['target'], ask: LimitRequest, now: RoleLimitReading): PlanDraft {
  const { role, limit } = ask;
  const before = now.role?.limit ?? null;
  const names = new Set(
    target.services.map(({ name: service, application = service }) => application),
  );
  const isServed = now.applications.some((application) => names.has(application));
  return {
    option: 'prevention',
    target: target.name,
    ask,
    title:
      limit === null
        ? 'Remove the connection limit of one role'
        : `Limit one role to ${count(limit, 'connection')}`,
    subject: role,
    targets: [toTarget(ask, now)],
    skipped: [],
    skippedTotal: 0,
    cost: costOf(ask, now, isServed),
    frees: {
      slots: null,
      sentence: `Frees nothing now: ${count(now.open, 'session of this role stays', 'sessions of this role stay')} connected.`,
    },
    ...undoOf(ask, before),
    steps: [`Run ALTER ROLE … ${name} ${textOf(limit) ?? '-1'} and check it`],
    risk: limit === null ? 'low' : isServed ? 'high' : 'medium',
  };
}

function costOf({ limit }: LimitRequest, { open }: RoleLimitReading, isServed: boolean): string[] {
  if (limit === null) return ['This role has no limit any more.'];
  return [
    open >= limit
      ? `New logins of this role fail (53300) until fewer than ${limit} of its ${open} sessions are left.`
      : `Logins of this role beyond ${limit} fail (53300).`,
    ...(isServed ? ['A configured service uses this role too and is limited with it.'] : []),
  ];
}

/** 0 would be refused as a proposal, and so is no undo. */
function undoOf(ask: LimitRequest, before: number | null): Pick<PlanDraft, 'undo' | 'undoAsk'> {
  if (before === 0) {
    return { undo: `By hand: ALTER ROLE … ${name} 0.`, undoAsk: null };
  }
  const undo = before === null ? 'Remove the limit again.' : `Set it back to ${before}.`;
  return { undo, undoAsk: { ...ask, limit: before } };
}

function toTarget({ role, limit }: LimitRequest, now: RoleLimitReading): SettingTarget {
  const from = textOf(now.role?.limit ?? null);
  return {
    kind: 'setting',
    name,
    role,
    from,
    to: textOf(limit),
    inForce: from ?? 'no limit',
    source: 'role',
  };
}

function textOf(limit: number | null): string | null {
  return limit === null ? null : String(limit);
}

function report(outcome: Item['outcome'], detail: string): Report {
  return reportOne({ what: name, outcome, detail }, `${name} for one role: ${outcome}. ${detail}`);
}
