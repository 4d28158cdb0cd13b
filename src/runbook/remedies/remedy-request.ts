import { z } from 'zod';
import { OptionLetter } from '../diagnose/diagnosis.ts';
import { count } from '../snapshot/words.ts';

/** What rules of approval are kept for: the runbook's options, and what goes beyond its letters. */
export const Action = z.enum([...OptionLetter.options, 'prepared', 'prevention']);
export type Action = z.infer<typeof Action>;

/** How an action is called within a sentence. */
export function nameOf(action: Action): string {
  switch (action) {
    case 'prepared':
      return 'the rollback of a prepared transaction';
    case 'prevention':
      return 'prevention';
    default:
      return `option ${action}`;
  }
}

const application = z.string().min(1).max(63);
const service = z.string().min(1).max(100);
/** PostgreSQL keeps both as 32-bit integers of milliseconds; 0 is off, which an undo may have to say. */
const timeoutMs = z.number().int().min(0).max(2_147_483_647);

/** What somebody asked for. A fresh plan can be made from it at any time. */
export const RemedyRequest = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('idle-in-transaction'),
    /** All applications without it. */
    application: application.exactOptional(),
    idleForMs: z.number().int().positive(),
  }),
  z.strictObject({
    kind: z.literal('idle'),
    application,
    idleForMs: z.number().int().positive(),
  }),
  /** B. Without `to` the plan proposes a number. */
  z.strictObject({
    kind: z.literal('raise-max-connections'),
    to: z.number().int().min(1).max(262_143).exactOptional(),
  }),
  z.strictObject({ kind: z.literal('restart'), service }),
  /** D: the cheapest way out of the present pile-up. */
  z.strictObject({ kind: z.literal('stop-blockers') }),
  /** D: one session somebody named, whatever it does. */
  z.strictObject({
    kind: z.literal('stop-session'),
    pid: z.number().int().positive(),
    how: z.enum(['cancel', 'terminate']),
  }),
  /** D: statements that run for too long and wait for no lock. */
  z.strictObject({ kind: z.literal('cancel-slow'), runningForMs: z.number().int().positive() }),
  z.strictObject({ kind: z.literal('rollback-prepared'), gid: z.string().min(1).max(200) }),
  /** E. Without numbers the plan proposes them from the budget. */
  z.strictObject({
    kind: z.literal('resize-pool'),
    service,
    size: z
      .strictObject({
        poolSize: z.number().int().min(1).max(10_000),
        /** Absent: as it is. */
        maxOverflow: z.number().int().min(0).max(10_000).exactOptional(),
      })
      .exactOptional(),
  }),
  /** Prevention. `ms` null takes the setting back to what holds without it; `role` null is cluster-wide. */
  z.strictObject({
    kind: z.literal('set-timeout'),
    setting: z.enum(['idle_in_transaction_session_timeout', 'idle_session_timeout']),
    role: z.string().min(1).max(63).nullable(),
    ms: timeoutMs.nullable(),
  }),
  /** Prevention. ALTER ROLE … CONNECTION LIMIT; null takes the limit away. */
  z.strictObject({
    kind: z.literal('limit-connections'),
    role: z.string().min(1).max(63),
    limit: z.number().int().min(0).max(262_143).nullable(),
  }),
]);
export type RemedyRequest = z.infer<typeof RemedyRequest>;

const actions: Readonly<Record<RemedyRequest['kind'], Action>> = {
  'idle-in-transaction': 'A',
  idle: 'A',
  'raise-max-connections': 'B',
  restart: 'C',
  'stop-blockers': 'D',
  'stop-session': 'D',
  'cancel-slow': 'D',
  'rollback-prepared': 'prepared',
  'resize-pool': 'E',
  'set-timeout': 'prevention',
  'limit-connections': 'prevention',
};

/** Under which rules of approval it falls. */
export function actionOf({ kind }: RemedyRequest): Action {
  return actions[kind];
}

/** What a request does and to what: `Restart` `reports`; and the same as a noun: `restart of reports`. */
interface Deed {
  readonly verb: string;
  readonly object: string;
  readonly noun: string;
}

/**
 * The deed of a request and its object, by figures, pids and configured names only.
 *
 * @param many how many sessions it is about, where that is known
 */
export function deedOf(ask: RemedyRequest, many?: number): Deed {
  const some = (noun: string): string => (many === undefined ? `${noun}s` : count(many, noun));
  const deed = (verb: string, object: string, noun: string): Deed => ({ verb, object, noun });
  switch (ask.kind) {
    case 'idle-in-transaction':
      return deed('End', some('idle transaction'), `ending ${some('session')}`);
    case 'idle':
      return deed('End', some('idle session'), `ending ${some('session')}`);
    case 'raise-max-connections': {
      const to = ask.to === undefined ? '' : ` to ${ask.to}`;
      return deed('Set', `max_connections${to}`, `${ask.to ?? 'more'} connections`);
    }
    case 'restart':
      return deed('Restart', ask.service, `restart of ${ask.service}`);
    case 'stop-blockers':
      return deed('Stop', some('blocker'), `stopping ${some('blocker')}`);
    case 'stop-session': {
      const pid = `pid ${ask.pid}`;
      return ask.how === 'cancel'
        ? deed('Cancel', pid, `cancel of ${pid}`)
        : deed('End', pid, `ending ${pid}`);
    }
    case 'cancel-slow':
      return deed('Cancel', some('slow statement'), `cancel of ${some('statement')}`);
    case 'rollback-prepared':
      return deed('Roll back', 'transaction', 'rollback');
    case 'resize-pool':
      return deed('Resize', `pool of ${ask.service}`, `pool of ${ask.service}`);
    case 'set-timeout':
      return deed(ask.ms === null ? 'Remove' : 'Set', 'idle time-out', 'idle time-out');
    default:
      return deed(ask.limit === null ? 'Remove' : 'Set', 'connection limit', 'connection limit');
  }
}
