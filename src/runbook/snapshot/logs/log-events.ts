/** One line of a log. */
export interface LogLine {
  /** Which of its writers' lines belong together. */
  readonly stream: 'stdout' | 'stderr';
  /** When its first byte was written, UTC by the clock of who kept it; null where it has no time. */
  readonly at: string | null;
  readonly text: string;
}

/** `2026-01-05 10:00:00.123 UTC [81] 53300 FATAL:  …`: log_line_prefix, then a label with two blanks behind it. */
const labelled = /^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d.{0,150}?)(\p{L}{2,20}): {2}/u;
/** What a report goes on with (PostgreSQL documentation, Error Message Style Guide); it never begins with one. */
const further = /^(?:DETAIL|HINT|CONTEXT|STATEMENT|QUERY|LOCATION|BACKTRACE)$/;
const begins = /^(?:LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DEBUG\d?)$/;
const withMilliseconds = /:\d\d\.\d{3}/;

/**
 * Whether a line of PostgreSQL's own log goes on with the report of the line before. All lines of a report have one
 * prefix, time and SQLSTATE included, so that a translated label is told by the moment.
 */
function continuesReport(before: string, line: string): boolean {
  const [, prefix = '', label = ''] = labelled.exec(line) ?? [];
  if (prefix === '' || begins.test(label)) return false;
  if (further.test(label)) return true;
  const another = !before.startsWith(`${prefix}${label}:`);
  return another && withMilliseconds.test(prefix) && before.startsWith(prefix);
}

// oxlint-disable-next-line no-control-regex -- colours begin with the escape character
const colour = /\u001B\[[\d;]*m/g;

/** What passes a line on writes its own heading before it: one of these, or several. */
const headings: readonly RegExp[] = [
  // Compose, foreman and honcho, PM2: `web.1  | `, `10:00:01 web.1   | `, `0|web  | `
  /^(?:\d\d:\d\d:\d\d )?(?:\d{1,3}\|)?[\w.-]{1,80} *\| ?/,
  // A container runtime's own file: `2026-01-05T10:00:01.123456789Z stderr F `
  /^\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d) (?:stdout|stderr) [FP] /,
  // Heroku and syslog: `2026-01-05T10:00:01.123+00:00 app[web.1]: `, `Jan 05 10:00:01 host web[12]: `
  /^\d{4}-\d\d-\d\dT[\d:.]{8,15}(?:Z|[+-]\d\d:\d\d) (?:[\w.-]{1,80} )?[\w./-]{1,80}\[[\w.]{1,40}\]: /,
  /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d [\w.-]{1,80} [\w./-]{1,80}(?:\[\d{1,10}\])?: /,
  // Ruby's Logger, and Rails' tags: `F, [2026-01-05T10:00:00.123456 #12] FATAL -- : [request id] `
  /^[DIWEFA], \[[\dT:.-]{10,40} #\d+\] +[A-Z]+ -- [^:]{0,80}: (?:\[[\w.-]{1,60}\] )*/,
];
const mostHeadings = 3;

/** A line as the program wrote it, without colours and without what another program put before it. */
function stripPrefix(line: string): string {
  let text = unwrapJson(line.replaceAll(colour, ''));
  for (let round = 0; round < mostHeadings; round += 1) {
    const heading = headings.find((pattern) => pattern.test(text));
    if (heading === undefined) break;
    text = text.replace(heading, '');
  }
  return text;
}

/** Docker's json-file and what reads it: `{"log":"…\n","stream":"stderr","time":"…"}`. */
function unwrapJson(line: string): string {
  if (!line.startsWith('{"log":"') || !line.includes('"stream":"')) return line;
  try {
    const value: unknown = JSON.parse(line);
    const text = typeof value === 'object' && value !== null && 'log' in value ? value.log : line;
    return typeof text === 'string' ? text.replace(/\r?\n$/, '') : line;
  } catch {
    return line; // cut off: read as the text it is
  }
}

/** As wide as the blanks before every line of a log, which then mean nothing. */
function commonIndent(lines: readonly string[]): number {
  const widths = lines.filter((line) => line.trim() !== '').map((line) => line.search(/[^ ]/));
  return widths.length < 2 ? 0 : widths.reduce((least, width) => Math.min(least, width));
}

/** Whatever stands before `Traceback`, when it stands before the lines below as well, whatever its figures are. */
function learnPrefix(prefix: string): RegExp | undefined {
  if (!/\S/.test(prefix) || /^[\s|+]*$/.test(prefix)) return undefined;
  const escaped = prefix.replaceAll(/[$()*+./?[\\\]^{|}-]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/\d+/g, String.raw`\d+`).trimEnd()} ?`);
}

/** What was logged once: a line with those that belong to it. */
interface LogEvent {
  readonly at: string | null;
  readonly text: string;
  /** Present when a stack was logged with it. */
  readonly trace?: boolean;
}

const tracebackBegins = /^Traceback \(most recent call last\):/;
const tracebackWithin = /^(.{1,200}?)(?<!Exception Group )Traceback \(most recent call last\):$/;
/** Between the tracebacks of one chained exception. */
const chainContinues =
  /^(?:The above exception was the direct cause|During handling of the above exception)/;
/**
 * Stack frames, PostgreSQL's own continuations (a tab), SQLAlchemy's reference, psycopg's list of the hosts it tried,
 * Java's causes, .NET's inner exceptions, Ruby's and PHP's frames, Node's word on where an error came out.
 */
const belongsToLast =
  /^(?:\s+\S|\(Background on this error|\[SQL: |\[parameters: |Multiple connection attempts failed|- host: |Caused by:|\):$|Wrapped by: | ---> |(?:\S+ \([\d.]+\) )?\S+\.rb:\d+:in [`']|Stack trace:$|#\d+ |Emitted 'error' event|\}$)/;
/** An indented line is one of its own all the same when it begins as a line of a log does. */
const beginsIndented =
  /^\s+(?:\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|LOG|TRC|DBG|INF|WRN|ERR|FTL)\]?[:\s]|\[?(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d|\+ Exception Group Traceback )/;
/** So it does in lower case, where it is no property of an error that was printed with its stack. */
const beginsLower = /^\s+\[?(?:trace|debug|info|notice|warn|warning|error|fatal|critical)\]?[:\s]/;
/** asyncpg gives a time-out of its pool no text: the frame is all that tells. */
const telling = /asyncpg\/pool\.py", line \d+, in _?acquire$/;
/** SQLAlchemy quotes the statement over as many lines as it has; they are no messages, and not ours to show. */
const opensStatement = /^\[(?:SQL|parameters): (?!.*\]$)/;
const maxStatementLines = 500;
/** Rails gives the cause a line of its own. */
const causeFollows = /^Caused by:\s*$/;
const frame = /^\s+(?:at |[|+] |File ")|^(?:Caused by: |#\d+ )|\.rb:\d+:in /;
/** The rest of a stack whose beginning lies before what was read: no message, and nothing it could belong to. */
const cutStack = /^\s+(?:\S|$)/;
/** A dumped structure must not become one event of megabytes. */
const maxEventLength = 16 * 1024;

/**
 * Lines to events, so that one failure counts once and its message comes first: of a Python traceback only
 * the exceptions are kept, not the stack. A chained one repeats the same failure in the words of each
 * library, the root cause first; it is one event all the same. What another program put before each line is taken off.
 */
export function joinEvents(lines: readonly LogLine[]): LogEvent[] {
  const writers = new Map<LogLine['stream'], Writer>();
  const events: OpenEvent[] = [];
  const texts = lines.map(({ text }) => stripPrefix(text));
  const indent = commonIndent(texts);
  for (const [index, line] of lines.entries()) {
    const writer = writers.get(line.stream) ?? beginWriter();
    writers.set(line.stream, writer);
    const text = withoutLearned(writer, (texts[index] ?? '').slice(indent));
    if (insideStatement(writer, text) || continueEvent(writer, text)) continue;
    const traceback = tracebackBegins.test(text);
    const event: OpenEvent = { at: line.at, parts: [], length: 0, trace: traceback };
    writer.event = event;
    writer.state = traceback ? 'stack' : 'line';
    if (!traceback) append(writer, event, text);
    events.push(event);
  }
  return events
    .map(({ at, parts, trace }) => ({ at, text: parts.join('\n'), ...(trace && { trace }) }))
    .filter(({ text }) => text);
}

interface OpenEvent {
  readonly at: string | null;
  readonly parts: string[];
  length: number;
  trace: boolean;
}

/** Where one stream stands: in a plain line, in a traceback's stack, or behind its exception. */
interface Writer {
  state: 'line' | 'stack' | 'exception' | 'chain';
  event: OpenEvent | null;
  /** Lines still taken for the quoted statement; 0 outside of one. */
  statementLines: number;
  /** What stood before `Traceback`, as long as it stands before every line below. */
  prefix: RegExp | undefined;
}

function beginWriter(): Writer {
  return { state: 'line', event: null, statementLines: 0, prefix: undefined };
}

/** A formatter may head every line of a traceback with time and level. */
function withoutLearned(writer: Writer, text: string): string {
  const begins = tracebackWithin.exec(text);
  if (begins !== null) writer.prefix = learnPrefix(begins[1] ?? '');
  if (writer.prefix === undefined) return text;
  if (writer.prefix.test(text)) return text.replace(writer.prefix, '');
  writer.prefix = undefined;
  return text;
}

function insideStatement(writer: Writer, text: string): boolean {
  if (writer.statementLines === 0) return false;
  writer.statementLines = text.endsWith(']') ? 0 : writer.statementLines - 1;
  return true;
}

/** Adds the line to the open event when it belongs there. */
function continueEvent(writer: Writer, text: string): boolean {
  const { event } = writer;
  if (event === null) {
    return cutStack.test(text) && !beginsIndented.test(text) && !beginsLower.test(text);
  }
  switch (writer.state) {
    case 'line':
      if (continuesReport(event.parts[0] ?? '', text)) return append(writer, event, text);
      if (beginsIndented.test(text) || (!event.trace && beginsLower.test(text))) return false;
      if (text.trim() === '') return true;
      if (causeFollows.test(event.parts.at(-1) ?? '')) return append(writer, event, text);
      if (!belongsToLast.test(text)) return false;
      event.trace ||= frame.test(text);
      return append(writer, event, text);
    case 'stack':
      if (telling.test(text)) return append(writer, event, text.trim());
      if (/^(?:\s|> File )/.test(text) || text === '') return true;
      writer.state = 'exception';
      return append(writer, event, text);
    case 'exception':
      if (chainContinues.test(text)) writer.state = 'chain';
      return (
        text === '' ||
        writer.state === 'chain' ||
        (belongsToLast.test(text) && append(writer, event, text))
      );
    case 'chain':
      if (tracebackBegins.test(text)) writer.state = 'stack';
      return text === '' || writer.state === 'stack';
    default:
      return writer.state satisfies never;
  }
}

function append(writer: Writer, event: OpenEvent, text: string): true {
  if (opensStatement.test(text)) writer.statementLines = maxStatementLines;
  if (event.length < maxEventLength) {
    event.parts.push(text.slice(0, maxEventLength - event.length));
    event.length += text.length;
  }
  return true;
}
