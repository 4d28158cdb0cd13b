import type { LogLine } from './log-lines.ts';

/** What was logged once: a line with those that belong to it. */
export interface LogEvent {
  readonly at: string | null;
  readonly text: string;
}

const tracebackBegins = /^Traceback \(most recent call last\):/;
/** Between the tracebacks of one chained exception. */
const chainContinues =
  /^(?:The above exception was the direct cause|During handling of the above exception)/;
/** Stack frames, PostgreSQL's own continuations (a tab), SQLAlchemy's reference, Java's cause. */
const belongsToLast = /^(?:\s+\S|\(Background on this error|\[SQL: |\[parameters: |Caused by: )/;
/** SQLAlchemy quotes the statement over as many lines as it has; they are no messages, and not ours to show. */
const opensStatement = /\[(?:SQL|parameters): (?!.*\]$)/;
const maxStatementLines = 500;
/** The rest of a stack whose beginning lies before what was read: no message, and nothing it could belong to. */
const cutStack = /^\s+(?:\S|$)/;
/** A dumped structure must not become one event of megabytes. */
const maxEventLength = 16 * 1024;

/**
 * Lines to events, so that one failure counts once and its message comes first: of a Python traceback only
 * the exceptions are kept, not the stack. A chained one repeats the same failure in the words of each
 * library, the root cause first; it is one event all the same.
 */
export function joinEvents(lines: readonly LogLine[]): LogEvent[] {
  const writers = new Map<LogLine['stream'], Writer>();
  const events: OpenEvent[] = [];
  for (const line of lines) {
    const writer = writers.get(line.stream) ?? { state: 'line', event: null, statementLines: 0 };
    writers.set(line.stream, writer);
    if (insideStatement(writer, line.text) || continueEvent(writer, line.text)) continue;
    const event: OpenEvent = { at: line.at, parts: [], length: 0 };
    const traceback = tracebackBegins.test(line.text);
    writer.event = event;
    writer.state = traceback ? 'stack' : 'line';
    if (!traceback) append(writer, event, line.text);
    events.push(event);
  }
  return events.map(({ at, parts }) => ({ at, text: parts.join('\n') })).filter(({ text }) => text);
}

interface OpenEvent {
  readonly at: string | null;
  readonly parts: string[];
  length: number;
}

/** Where one stream stands: in a plain line, in a traceback's stack, or behind its exception. */
interface Writer {
  state: 'line' | 'stack' | 'exception' | 'chain';
  event: OpenEvent | null;
  /** Lines still taken for the quoted statement; 0 outside of one. */
  statementLines: number;
}

function insideStatement(writer: Writer, text: string): boolean {
  if (writer.statementLines === 0) return false;
  writer.statementLines = text.endsWith(']') ? 0 : writer.statementLines - 1;
  return true;
}

/** Adds the line to the open event when it belongs there. */
function continueEvent(writer: Writer, text: string): boolean {
  const { event } = writer;
  if (event === null) return cutStack.test(text);
  switch (writer.state) {
    case 'line':
      return belongsToLast.test(text) && append(writer, event, text);
    case 'stack':
      if (/^\s/.test(text) || text === '') return true;
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
