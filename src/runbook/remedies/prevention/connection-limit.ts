import type { RoleLimitReading, RoleLimits, RoleLimitSession } from '../../ports/role-limits.ts';
import type { Target } from '../../snapshot/target.ts';
import type { RemedyRequest } from '../ask.ts';
import type { PlanDraft } from '../plan.ts';
import { done } from '../remedy.ts';
import type { Answer, Recheck, RunControl } from '../remedy.ts';
import type { Item, Report } from '../report.ts';
import type { SettingTarget } from '../targets/setting.ts';
import { count } from '../../snapshot/wording.ts';
import { checkLimit } from './check-limit.ts';

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
  const now = await roleLimits.withSession((session) => session.readRoleLimit(ask.role));
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
  const now = await roleLimits.withSession((session) => session.readRoleLimit(ask.role));
  if (now.role !== undefined && toTarget(ask, now).from === target.from) {
    return { left: [target], spared: [] };
  }
  const reason = 'its limit changed since the plan was made';
  return { left: [], spared: [{ what: name, label: ask.role, reason }] };
}

interface LimitRun {
  readonly session: RoleLimitSession;
  readonly control: RunControl;
  readonly ask: LimitRequest;
}

/** Sets it and reads it back. */
export async function setLimit({ session, control, ask }: LimitRun): Promise<Report> {
  if (await control.isStopped())
    return report('not reached', 'All changes were stopped before it.');
  await control.intend({ step: 0, sentence: `write ${name} ${textOf(ask.limit) ?? 'none'}` });
  const refusal = await session.alterRoleLimit(ask.role, ask.limit, control.lease);
  if (refusal !== undefined) {
    await control.record({ step: 0, sentence: `PostgreSQL refused it (${refusal})` });
    return report('failed', `PostgreSQL refused it (SQLSTATE ${refusal}); nothing changed.`);
  }
  const { role, open } = await session.readRoleLimit(ask.role);
  await control.record({ step: 0, sentence: `${name} is written` });
  if (role?.limit !== ask.limit) {
    return report('unknown', 'Another limit was read back: somebody changed it in that moment.');
  }
  return report('set', `It was read back; ${count(open, 'session')} of the role stay as they are.`);
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
    ? report('not reached', 'It had not been written; nothing changed.')
    : report('unknown', 'Somebody has set another limit since; it was left alone.');
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
        ? 'Take the connection limit away from one role'
        : `Limit one role to ${count(limit, 'connection')}`,
    subject: role,
    targets: [toTarget(ask, now)],
    spared: [],
    sparedTotal: 0,
    cost: costOf(ask, now, isServed),
    frees: {
      slots: null,
      sentence: `Frees nothing at once: sessions that exist stay (${now.open} of this role now).`,
    },
    ...undoOf(ask, before),
    steps: [`ALTER ROLE … ${name} ${textOf(limit) ?? '-1'}, and read it back`],
    risk: limit === null ? 'low' : isServed ? 'high' : 'medium',
  };
}

function costOf({ limit }: LimitRequest, { open }: RoleLimitReading, isServed: boolean): string[] {
  if (limit === null) return ['Nothing holds this role back any more.'];
  return [
    open >= limit
      ? `New logins of this role are refused (53300) until fewer than ${limit} of its ${open} sessions are left.`
      : `Logins of this role beyond ${limit} are refused (53300).`,
    ...(isServed
      ? ['A configured service logs in as this role too, and is held back with it.']
      : []),
  ];
}

/** 0 would be refused as a proposal, and so is no undo. */
function undoOf(ask: LimitRequest, before: number | null): Pick<PlanDraft, 'undo' | 'undoAsk'> {
  if (before === 0) {
    return { undo: `By hand: ALTER ROLE … ${name} 0, which lets nobody log in.`, undoAsk: null };
  }
  const undo =
    before === null ? 'Undoing takes the limit away again.' : `Undoing sets ${before} again.`;
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
  return {
    items: [{ what: name, outcome, detail, lines: [] }],
    summary: `${name} for one role: ${outcome}. ${detail}`,
    finished: outcome === 'set',
  };
}
