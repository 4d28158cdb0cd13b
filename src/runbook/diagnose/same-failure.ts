import type { LogClass } from '../snapshot/snapshot.ts';

/** An event of a log that was recognised. */
export interface LogHit {
  readonly class: LogClass;
  /** UTC ISO text, or null. */
  readonly at: string | null;
  readonly text: string;
  /** From the words that made it known to the line's end; undefined when a SQLSTATE alone did. */
  readonly words: string | undefined;
  /** It came with a stack. */
  readonly trace: boolean;
  /** How many events of no concern came before it since the last sighting. */
  readonly gap: number;
}

/** Between two layers that log one failure lies an access log line, not more. */
const widestGap = 2;
/** And hardly any time, while two failures of a pool are a time-out apart. */
const longestMs = 1_000;

/** One failure as far as it was seen. */
export interface Failure {
  readonly last: LogHit;
  /** What each of its lines looks like; the same form again is the next failure. */
  readonly forms: ReadonlySet<string>;
  readonly trace: boolean;
  /** Hibernate logs what it throws, in two lines. */
  readonly thrownOn: boolean;
}

const hibernate = /\bSQL Error: -?\d+, SQLState: |\bSqlExceptionHelper\b/;
const bouncerSocket = /\b[CS]-0x[0-9a-f]+\b/;

export function beginFailure(hit: LogHit): Failure {
  return {
    last: hit,
    forms: new Set([formOf(hit)]),
    trace: hit.trace,
    thrownOn: hibernate.test(hit.text),
  };
}

/** The failure with one more sighting of it; undefined when the sighting is of another failure. */
export function continueFailure(failure: Failure, hit: LogHit): Failure | undefined {
  const form = formOf(hit);
  if (!isSame(failure, hit) || failure.forms.has(form)) return undefined;
  return {
    last: hit,
    forms: new Set([...failure.forms, form]),
    trace: failure.trace || hit.trace,
    thrownOn: failure.thrownOn || hibernate.test(hit.text),
  };
}

function isSame({ last, trace, thrownOn }: Failure, next: LogHit): boolean {
  if (next.gap > widestGap || isLater(last.at, next.at)) return false;
  // A line that only mentions a connection is the heading of the stack right below it.
  if (last.class === 'other' && next.class !== 'other')
    return next.trace && !trace && next.gap === 0;
  // A stack may name the cause of what the line says: a pool timed out because the server refused it.
  if (last.class !== next.class) return next.trace && !trace && hasSameWords(last, next);
  const socket = bouncerSocket.exec(last.text)?.[0];
  if (socket !== undefined) return bouncerSocket.exec(next.text)?.[0] === socket;
  if (thrownOn && (last.words === undefined || hasSameWords(last, next))) return true;
  const loggedOnce = trace !== next.trace && hasSameWords(last, next);
  return loggedOnce || wraps(next.text, last);
}

function isLater(before: string | null, after: string | null): boolean {
  if (before === null || after === null) return false;
  return Math.abs(Date.parse(after) - Date.parse(before)) > longestMs;
}

const comparedLength = 60;

function hasSameWords(one: LogHit, other: LogHit): boolean {
  const words = one.words?.slice(0, comparedLength).trimEnd();
  return words !== undefined && other.text.includes(words);
}

/** Time, level and logger before a message. */
const heading =
  /^(?:[[(]?[\d:T.,+Z/ -]{8,40}[\])]?\s*)?(?:\[[^\]]{0,60}\]\s*)*(?:(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL|LOG|level=\w+)\b[:\]]?\s*)?(?:\[[^\]]{0,60}\]\s*)*/i;

/** `load orders: pq: sorry, …` within `GET /orders: load orders: pq: sorry, …`. */
function wraps(text: string, { text: inner, words, trace }: LogHit): boolean {
  if (trace || words === undefined) return false;
  const message = inner.replace(heading, '').trim();
  return (
    message.indexOf(words.trim()) > 0 &&
    text.includes(message) &&
    text.indexOf(message) > 0 &&
    text.replace(heading, '').trim() !== message
  );
}

/** The line without what differs from one time to the next. */
function formOf({ text, trace }: LogHit): string {
  const first = text.split('\n', 1)[0] ?? '';
  return `${trace} ${first.replaceAll(/\b(?:0x)?[0-9a-f]*\d[\w.:-]*/gi, '#').slice(0, 300)}`;
}
