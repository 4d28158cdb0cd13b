import { parseDuration } from '../../timing.ts';
import { RemedyRequest } from '../remedies/remedy-request.ts';
import type { Limits } from '../snapshot/target.ts';

/** What somebody wants done, before the target's thresholds make an Ask of it. */
export type RemedyCommand =
  | { readonly option: 'A'; readonly application?: string; readonly overMs?: number }
  | { readonly option: 'B'; readonly to?: number }
  | { readonly option: 'C'; readonly service: string }
  | { readonly option: 'D'; readonly stop?: Stop }
  | { readonly option: 'E'; readonly service: string; readonly size?: Size }
  | { readonly option: 'prepared'; readonly gid: string }
  | Prevention;

type How = 'cancel' | 'terminate';

/** What D is about when it is not what blocks others. */
type Stop =
  | { readonly pid: number; readonly how: How }
  | {
      readonly slow: true;
      readonly overMs?: number;
    };

interface Size {
  readonly poolSize: number;
  /** Absent: as it is. */
  readonly maxOverflow?: number;
}

type Prevention = TimeoutSetting | ConnectionLimit;

interface ConnectionLimit {
  readonly option: 'prevention';
  readonly role: string;
  /** Null takes the limit away. */
  readonly limit: number | null;
}

interface TimeoutSetting {
  readonly option: 'prevention';
  readonly setting: 'idle_in_transaction_session_timeout' | 'idle_session_timeout';
  /** Null: for the whole cluster. */
  readonly role: string | null;
  /** Null takes the setting away. */
  readonly ms: number | null;
}

type ParsedRemedyCommand =
  | {
      readonly remedyCommand: RemedyCommand;
      /** As it was typed; undefined when none was. */
      readonly target: string | undefined;
      readonly problem?: undefined;
    }
  | { readonly problem: string; readonly remedyCommand?: undefined; readonly target?: undefined };

/** Words left over after an option has taken its own; the first of them is the target. */
interface Taken {
  readonly remedyCommand: RemedyCommand;
  readonly rest: readonly string[];
}

type Take = (words: readonly string[], targets: readonly string[]) => Taken | string;

const options: Readonly<Record<string, Take>> = {
  a: takeA,
  b: takeB,
  c: takeC,
  d: takeD,
  e: takeE,
  prepared: takePrepared,
  prevention: takePrevention,
  cancel: (words) => takeSession(words, 'cancel'),
  kill: (words) => takeSession(words, 'terminate'),
};

const whichOptions = 'propose A, B, C SERVICE, D, E SERVICE, prevention or prepared GID';

/**
 * Reads what stands after `propose`: `A`, `A backend over 30m`, `A "my app" orders`, `C backend`, `cancel 4711`.
 * What is left after an option's own words is the target. Nothing here throws, and no problem repeats what was
 * typed.
 */
export function parseRemedyCommand(text: string, targets: readonly string[]): ParsedRemedyCommand {
  const [option, ...words] = toWords(text);
  if (option === undefined) return { problem: `Say which option: ${whichOptions}.` };
  const lower = option.toLowerCase();
  const take = Object.hasOwn(options, lower) ? options[lower] : undefined;
  if (take === undefined) return { problem: `Unknown option. Use ${whichOptions}.` };
  const taken = take(words, targets);
  if (typeof taken === 'string') return { problem: taken };
  const { remedyCommand, rest } = taken;
  const [target, ...more] = rest;
  if (more.length > 0) return { problem: tooMuch };
  // The bounds of numbers and names are the ask's: one place says them.
  if (!RemedyRequest.safeParse(toRemedyRequest(remedyCommand, anyLimits)).success)
    return { problem: outOfBounds[remedyCommand.option] };
  return { remedyCommand, target };
}

const tooMuch = 'Too many words: type a name and a target. A name with spaces goes in "quotes".';

const outOfBounds: Readonly<Record<RemedyCommand['option'], string>> = {
  // PostgreSQL cuts an application_name there, so a longer one names no session.
  A: 'An application_name has at most 63 characters.',
  B: 'max_connections goes from 1 to 262143.',
  C: 'The name of that service is too long.',
  D: 'A pid is a whole number, such as 4711.',
  E: 'A pool has 1 to 10000 connections and 0 to 10000 more on top.',
  prepared: 'A gid has at most 200 characters.',
  prevention:
    'A timeout is from 1ms to 24 days, a limit from 1 to 262143. A role has at most 63 characters.',
};

/** Durations of the target come from its configuration, which has checked them. */
const anyLimits = { terminateIdleInTransactionMs: 1, terminateIdleMs: 1, slowQueryMs: 1 };

function takeA(words: readonly string[], targets: readonly string[]): Taken | string {
  const over = takeOver(words);
  if (typeof over === 'string') return over;
  const { overMs, rest } = over;
  const threshold = overMs === undefined ? {} : { overMs };
  const [first, ...others] = rest;
  // A single name that is a target's is the target, and all applications are meant.
  const isTarget = first !== undefined && others.length === 0 && targets.includes(first);
  if (first === undefined || isTarget)
    return { remedyCommand: { option: 'A', ...threshold }, rest };
  return { remedyCommand: { option: 'A', application: first, ...threshold }, rest: others };
}

/** Takes `over 30m` out. Slack's own clients turn the two hyphens of `--over` into a dash. */
function takeOver(
  words: readonly string[],
): { readonly overMs?: number; readonly rest: readonly string[] } | string {
  const at = words.findIndex((word) => /^(?:--|[—–])?over$/i.test(word));
  if (at === -1) return { rest: words };
  const overMs = parseDuration(words[at + 1] ?? '');
  if (overMs === undefined) return 'After over comes a duration, such as 90s, 30m or 2h.';
  return { overMs, rest: words.toSpliced(at, 2) };
}

function takeB([first = '', ...others]: readonly string[]): Taken | string {
  const isNumber = /^\d{1,9}$/.test(first);
  if (isNumber) return { remedyCommand: { option: 'B', to: Number(first) }, rest: others };
  return { remedyCommand: { option: 'B' }, rest: [first, ...others].filter((word) => word !== '') };
}

function takeC([service, ...rest]: readonly string[]): Taken | string {
  if (service === undefined) return 'Name the service: propose C SERVICE.';
  return { remedyCommand: { option: 'C', service }, rest };
}

function takeD(words: readonly string[]): Taken | string {
  if (words[0]?.toLowerCase() !== 'slow') return { remedyCommand: { option: 'D' }, rest: words };
  const over = takeOver(words.slice(1));
  if (typeof over === 'string') return over;
  const { overMs, rest } = over;
  return {
    remedyCommand: { option: 'D', stop: { slow: true, ...(overMs !== undefined && { overMs }) } },
    rest,
  };
}

function takeE([service, ...rest]: readonly string[]): Taken | string {
  if (service === undefined) return 'Name the service: propose E SERVICE.';
  const [size = '', overflow = '', ...others] = rest;
  const isNumber = (word: string): boolean => /^\d{1,9}$/.test(word);
  if (!isNumber(size)) return { remedyCommand: { option: 'E', service }, rest };
  if (!isNumber(overflow)) {
    const numbers = { poolSize: Number(size) };
    return { remedyCommand: { option: 'E', service, size: numbers }, rest: rest.slice(1) };
  }
  const numbers = { poolSize: Number(size), maxOverflow: Number(overflow) };
  return { remedyCommand: { option: 'E', service, size: numbers }, rest: others };
}

function takePrepared([gid, ...rest]: readonly string[]): Taken | string {
  if (gid === undefined) return 'Name the prepared transaction by its gid, which blocking shows.';
  return { remedyCommand: { option: 'prepared', gid }, rest };
}

function takeSession([pid = '', ...rest]: readonly string[], how: How): Taken | string {
  if (!/^\d{1,9}$/.test(pid))
    return 'Name the session by its pid, which sessions and blocking show.';
  return { remedyCommand: { option: 'D', stop: { pid: Number(pid), how } }, rest };
}

const settings: Readonly<Record<string, TimeoutSetting['setting']>> = {
  'idle-in-transaction': 'idle_in_transaction_session_timeout',
  'idle-session': 'idle_session_timeout',
};

function takePrevention([name = '', ...words]: readonly string[]): Taken | string {
  const kind = name.toLowerCase().replaceAll('_', '-');
  if (kind === 'connection-limit') return takeLimit(words);
  const setting = Object.hasOwn(settings, kind) ? settings[kind] : undefined;
  if (setting === undefined) {
    return 'After prevention comes connection-limit, idle-in-transaction or idle-session.';
  }
  const forRole = words[0]?.toLowerCase() === 'for';
  const role = forRole ? (words[1] ?? null) : null;
  const [value = '', ...rest] = forRole ? words.slice(2) : words;
  const ms = toTimeout(value.toLowerCase());
  if (ms === undefined) return 'End it with a duration such as 10m, with off, or with reset.';
  return { remedyCommand: { option: 'prevention', setting, role, ms }, rest };
}

function takeLimit([word = '', role, value = '', ...rest]: readonly string[]): Taken | string {
  if (word.toLowerCase() !== 'for' || role === undefined) {
    return 'Name the role: prevention connection-limit for ROLE CONNECTIONS.';
  }
  const isOff = /^(?:off|reset)$/i.test(value);
  if (!isOff && !/^\d{1,9}$/.test(value))
    return 'End it with a number of connections, or with off.';
  const limit = isOff ? null : Number(value);
  return { remedyCommand: { option: 'prevention', role, limit }, rest };
}

/** PostgreSQL's 0 switches a time-out off; null takes the setting away, and what holds without it holds again. */
function toTimeout(value: string): number | null | undefined {
  if (value === 'reset') return null;
  return value === 'off' ? 0 : parseDuration(value);
}

function toWords(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|(\S+)/g)]
    .map(([, quoted, bare]) => quoted ?? bare ?? '')
    .filter((word) => word !== '');
}

type Thresholds = Pick<Limits, 'terminateIdleInTransactionMs' | 'terminateIdleMs' | 'slowQueryMs'>;

/** What was wanted, with the target's thresholds where none was typed. */
export function toRemedyRequest(remedyCommand: RemedyCommand, limits: Thresholds): RemedyRequest {
  switch (remedyCommand.option) {
    case 'A':
      return toIdleRequest(remedyCommand, limits);
    case 'B':
      return {
        kind: 'raise-max-connections',
        ...(remedyCommand.to !== undefined && { to: remedyCommand.to }),
      };
    case 'C':
      return { kind: 'restart', service: remedyCommand.service };
    case 'D':
      return toStopRequest(remedyCommand.stop, limits);
    case 'E': {
      const { service, size } = remedyCommand;
      return { kind: 'resize-pool', service, ...(size !== undefined && { size }) };
    }
    case 'prepared':
      return { kind: 'rollback-prepared', gid: remedyCommand.gid };
    default:
      return toPreventionRequest(remedyCommand);
  }
}

function toPreventionRequest(remedyCommand: Prevention): RemedyRequest {
  if ('limit' in remedyCommand) {
    return { kind: 'limit-connections', role: remedyCommand.role, limit: remedyCommand.limit };
  }
  const { setting, role, ms } = remedyCommand;
  return { kind: 'set-timeout', setting, role, ms };
}

function toStopRequest(stop: Stop | undefined, { slowQueryMs }: Thresholds): RemedyRequest {
  if (stop === undefined) return { kind: 'stop-blockers' };
  if ('slow' in stop) return { kind: 'cancel-slow', runningForMs: stop.overMs ?? slowQueryMs };
  return { kind: 'stop-session', ...stop };
}

/** The runbook's two statements of option A: transactions left open anywhere, and one application's idle sessions. */
function toIdleRequest(
  { application, overMs }: Extract<RemedyCommand, { option: 'A' }>,
  limits: Thresholds,
): RemedyRequest {
  return application === undefined
    ? { kind: 'idle-in-transaction', idleForMs: overMs ?? limits.terminateIdleInTransactionMs }
    : { kind: 'idle', application, idleForMs: overMs ?? limits.terminateIdleMs };
}
