import { scanSql } from '../redaction/redact-sql.ts';
import type { SqlToken } from '../redaction/redact-sql.ts';
import {
  behindStatement,
  cutCodePoints,
  redactText,
  splitStatement,
} from '../redaction/redact-text.ts';
import type { LogClass, LogClassCount } from '../snapshot.ts';
import {
  classOfClientCode,
  classOfCode,
  classOfText,
  findSqlstate,
  mentionsConnections,
  readStructured,
  wordsOf,
} from './read-line.ts';

/** Where a message begins behind the statement it is about: Knex, Spring and jOOQ, Hibernate 6, Doctrine, an inspected error. */
const messageBegins = /\s-\s|\b(?:ERROR|FATAL|PANIC):\s|\bSQLSTATE\b|\bSQL state \[|\bcode:\s/;

/**
 * What a line says behind the statement it quotes, or nothing. Strings, numbers, quoted names, comments and parameters
 * of the statement are left out first: anybody can write an error's text into those.
 */
function readBehindStatement(statement: string): string {
  const tokens = scanSql(statement.replace(behindStatement, ''));
  const kept = tokens.map((token, at) =>
    isKept(token, tokens.slice(Math.max(0, at - 5), at)) ? token.text : ' ',
  );
  const bare = kept.join('');
  const at = bare.search(messageBegins);
  return at === -1 ? '' : bare.slice(at);
}

function isKept({ kind, text }: SqlToken, before: readonly SqlToken[]): boolean {
  if (kind === 'comment' || kind === 'name') return false;
  return (
    kind !== 'constant' ||
    (/^'?[0-9A-Z]{5}'?$/.test(text) && introducesCode.test(before.map((one) => one.text).join('')))
  );
}

/** `code: '57014'` of an error that Node printed with its properties, `SQLSTATE[57014]`, `SQL state [57014]`. */
const introducesCode = /(?:\bcode: |\bSQLSTATE[ :=[(]{1,3}|\bSQL state \[)$/;

/** An event of a log that was recognised. */
interface LogHit {
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
interface Failure {
  readonly last: LogHit;
  /** What each of its lines looks like; the same form again is the next failure. */
  readonly forms: ReadonlySet<string>;
  readonly trace: boolean;
  /** Hibernate logs what it throws, in two lines. */
  readonly thrownOn: boolean;
}

const hibernate = /\bSQL Error: -?\d+, SQLState: |\bSqlExceptionHelper\b/;
const bouncerSocket = /\b[CS]-0x[0-9a-f]+\b/;

function beginFailure(hit: LogHit): Failure {
  return {
    last: hit,
    forms: new Set([formOf(hit)]),
    trace: hit.trace,
    thrownOn: hibernate.test(hit.text),
  };
}

/** The failure with one more sighting of it; undefined when the sighting is of another failure. */
function continueFailure(failure: Failure, hit: LogHit): Failure | undefined {
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

interface LogEvent {
  /** UTC ISO text, or null when the log carries no times. */
  readonly at: string | null;
  /** One line, or several that belong together such as a traceback. */
  readonly text: string;
  /** Whether a stack was logged with it. */
  readonly trace?: boolean;
}

const exampleCodePoints = 300;

/**
 * What a log says about connections: how many failures of each class, and the last of each, redacted and cut.
 * Most frequent class first. A SQLSTATE decides where there is one, in any notation and whatever the language of the
 * text; client libraries give none for a refused connection, so the texts themselves are known too. What is logged
 * more than once for one failure counts once. Lines that only mention a connection or a pool are `other`; the rest is
 * left out.
 */
export function classifyLogs(events: readonly LogEvent[]): LogClassCount[] {
  const found = new Map<LogClass, { count: number; last: LogHit }>();
  for (const last of toFailures(toHits(events))) {
    found.set(last.class, { count: (found.get(last.class)?.count ?? 0) + 1, last });
  }
  return [...found]
    .map(([name, { count, last }]) => ({
      class: name,
      count,
      lastAt: last.at,
      example: exampleOf(last),
      ...poolNumbers(last.text, name),
    }))
    .toSorted((a, b) => b.count - a.count || a.class.localeCompare(b.class));
}

function toHits(events: readonly LogEvent[]): LogHit[] {
  const hits: LogHit[] = [];
  let gap = 0;
  for (const { at, text: raw, trace = false } of events) {
    const structured = readStructured(raw);
    const text = structured?.text ?? raw;
    const parts = splitLine(text);
    const name = classOf(parts, structured?.code);
    if (name === undefined) {
      gap += 1;
      continue;
    }
    const words = wordsOf(name, `${parts.prose}\n${parts.behind}`);
    hits.push({ class: name, at, text, words, trace, gap });
    gap = 0;
  }
  return hits;
}

/** The last sighting of each failure. */
function toFailures(hits: readonly LogHit[]): LogHit[] {
  const failures: Failure[] = [];
  for (const hit of hits) {
    const open = failures.at(-1);
    const more = open === undefined ? undefined : continueFailure(open, hit);
    if (more === undefined) failures.push(beginFailure(hit));
    else failures[failures.length - 1] = more;
  }
  return failures.map(({ last }) => last);
}

interface LineParts {
  /** Before the first statement that is quoted. */
  readonly prose: string;
  /** Behind it. */
  readonly behind: string;
}

/** Judged without the statement a line quotes: anybody can write `deadlock detected` into a statement. */
function splitLine(text: string): LineParts {
  const { prose, statement } = splitStatement(text);
  if (statement === '') return { prose, behind: '' };
  // Doctrine quotes it: `while executing 'SELECT …' with params […]: SQLSTATE[…]`.
  return { prose, behind: readBehindStatement(prose.endsWith("'") ? `'${statement}` : statement) };
}

function classOf({ prose, behind }: LineParts, given: string | undefined): LogClass | undefined {
  const text = `${prose}\n${behind}`;
  const found = [given, findSqlstate(text)].filter((code) => code !== undefined);
  for (const code of found) {
    const name = classOfCode(code, text);
    if (name !== undefined) return name;
  }
  const name = classOfText(text) ?? found.map(classOfClientCode).find((one) => one !== undefined);
  return name ?? (mentionsConnections(prose) ? 'other' : undefined);
}

/** Of several lines the one that says it. Redacted before it is picked: a constant may span lines. */
function exampleOf({ text, class: name, words }: LogHit): string {
  const lines = redactText(text).split(/\r?\n/);
  const mentions = (line: string): boolean => name === 'other' && mentionsConnections(line);
  const matches = (line: string): boolean =>
    words === undefined ? findSqlstate(line) !== undefined : wordsOf(name, line) !== undefined;
  const line = lines.find(matches) ?? lines.find(mentions) ?? lines.find((one) => one.trim()) ?? '';
  return cutCodePoints(line.trim(), exampleCodePoints);
}

const queuePool =
  /QueuePool limit of size (\d+) overflow (-?\d+) reached, connection timed out, timeout ([\d.]+)/;

function poolNumbers(text: string, name: LogClass): Pick<LogClassCount, 'pool'> {
  const [, size, maxOverflow, timeout] = (name === 'pool-timeout' && queuePool.exec(text)) || [];
  if (size === undefined || maxOverflow === undefined || timeout === undefined) return {};
  return {
    pool: {
      size: Number(size),
      maxOverflow: Number(maxOverflow),
      timeoutSeconds: Number.parseFloat(timeout),
    },
  };
}
