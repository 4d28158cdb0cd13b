import { toDurationText } from '../../remedies/to-typed.ts';
import { toTimeoutText } from '../../remedies/prevention/value.ts';
import { mayAct } from '../advice/ground.ts';
import type { AdviceInput } from '../advice/ground.ts';
import { adviseMaxConnections } from '../advice/max-connections.ts';
import {
  adviseSessionTimeout,
  readTimeout,
  recommendedSessionTimeoutMs,
  recommendedTransactionTimeoutMs,
  timeoutText,
} from '../advice/timeouts.ts';
import type { PreventionCheck } from '../prevention.ts';

/** PostgreSQL's own settings against the runbook's, and the slots kept for the night when all others are taken. */
export function checkServer(input: AdviceInput): PreventionCheck[] {
  if (input.version === null) return [unreached];
  return [
    checkTransactionTimeout(input),
    ...checkSessionTimeout(input),
    ...checkReserved(input),
    ...adviseMaxConnections(input).map(toCheck),
  ];
}

const unreached: PreventionCheck = {
  part: 'postgresql',
  state: 'unknown',
  setting: 'PostgreSQL’s settings',
  now: null,
  better: 'See /dbconn doctor.',
  because: 'PostgreSQL could not be read.',
};

function toCheck(advice: Omit<PreventionCheck, 'part' | 'state'>): PreventionCheck {
  return { part: 'postgresql', state: 'advice', ...advice };
}

function checkTransactionTimeout(input: AdviceInput): PreventionCheck {
  const setting = 'idle_in_transaction_session_timeout';
  const ms = readTimeout(input, setting);
  const better = toTimeoutText(recommendedTransactionTimeoutMs);
  const base = { part: 'postgresql', setting, now: timeoutText(ms), better } as const;
  if (typeof ms !== 'number') return { ...base, state: 'unknown', because: whyUnreadable(ms) };
  if (ms > 0 && ms <= recommendedTransactionTimeoutMs) {
    const because = 'PostgreSQL ends forgotten transactions by itself.';
    return { ...base, better: toTimeoutText(ms), state: 'ok', because };
  }
  const because =
    ms === 0
      ? 'A forgotten transaction holds its slot and its locks until somebody ends it.'
      : 'A forgotten transaction holds its slot and its locks for longer than the runbook wants.';
  const duration = toDurationText(recommendedTransactionTimeoutMs);
  const command = `propose prevention idle-in-transaction ${duration}`;
  return { ...base, state: 'advice', because, ...(mayAct(input) && { command }) };
}

function whyUnreadable(value: 'unseen' | null): string {
  return value === null
    ? 'The look did not read it.'
    : 'dbconn’s own role has a value of its own, so what holds for others cannot be seen by it.';
}

/** For everybody it is a hazard: pools and poolers keep sessions idle on purpose. */
function checkSessionTimeout(input: AdviceInput): PreventionCheck[] {
  const setting = 'idle_session_timeout';
  const ms = readTimeout(input, setting);
  const better = `${toTimeoutText(recommendedSessionTimeoutMs)} for roles of people, off for applications`;
  const base = { part: 'postgresql', setting, now: timeoutText(ms), better } as const;
  if ((input.version ?? 0) < 140_000) {
    const because = 'This PostgreSQL has none; DATABASE_POOL_RECYCLE does its part.';
    return [{ ...base, state: 'ok', now: null, because }];
  }
  if (typeof ms !== 'number') return [{ ...base, state: 'unknown', because: whyUnreadable(ms) }];
  if (ms > 0) {
    const because =
      'It holds for everybody and ends the idle sessions of every pool and pooler: their next requests may meet an error.';
    const command = 'propose prevention idle-session off';
    return [{ ...base, state: 'advice', because, ...(mayAct(input) && { command }) }];
  }
  const advised = adviseSessionTimeout(input).map(toCheck);
  if (advised.length > 0) return advised;
  const because =
    'It is off for all, as pools need it, and no role of people leaves sessions idle.';
  return [{ ...base, state: 'ok', because }];
}

/** PostgreSQL 16+: who is let in when ordinary slots are gone. */
function checkReserved({ settings, version }: AdviceInput): PreventionCheck[] {
  const found = settings.find(({ name }) => name === 'reserved_connections');
  if (found === undefined || (version ?? 0) < 160_000) return [];
  const isSet = Number(found.value) > 0;
  return [
    {
      part: 'postgresql',
      state: isSet ? 'ok' : 'advice',
      setting: 'reserved_connections',
      now: found.value,
      better: isSet ? found.value : '2',
      because: isSet
        ? 'Roles with pg_use_reserved_connections get in when all other slots are taken.'
        : 'When every slot is taken, only a superuser gets in. Changing it needs a restart of PostgreSQL.',
    },
  ];
}
