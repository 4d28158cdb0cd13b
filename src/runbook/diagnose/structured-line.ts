interface StructuredLine {
  /** What its message and error fields say, without statements and parameters. */
  readonly text: string;
  readonly code: string | undefined;
}

const deepest = 5;
const mostFields = 200;

const codeKey = /^(?:sqlstate|statecode|pgcode|(?:err(?:or)?)?code)$/;
const messageKey =
  /(?:message|messagetext|msg|error|err|exception|exc|excinfo|stack|stacktrace|traceback|reason|cause|description|event|text|textpayload|log|line)$|^(?:m|r|x)$/;
const classKey = /(?:type|name|class|kind)$/;
const className = /(?:Error|Exception|Timeout)$/;
/** Anybody can write an error's text into a statement or its parameters. */
const statementKey = /(?:sql|query|statement|parameters|params|bindings|values|args|body)$/;

/**
 * A line of JSON, logfmt or PostgreSQL's csvlog, by its fields: what it says, and the SQLSTATE it carries.
 * Undefined for a line that is none of these, or has no field that says anything.
 */
export function readStructured(line: string): StructuredLine | undefined {
  const fields = readCsvlog(line) ?? collect(readJson(line)) ?? readLogfmt(line);
  return fields === undefined || fields.text.trim() === '' ? undefined : fields;
}

/** JSON, also behind a plain beginning of the line. */
function readJson(line: string): unknown {
  const text = line.trim();
  const start = text.indexOf('{');
  if (start === -1 || !text.endsWith('}')) return undefined;
  try {
    const value: unknown = JSON.parse(text.slice(start));
    return start === 0 ? value : { message: text.slice(0, start), value };
  } catch {
    return undefined; // an inspected object, or a line cut off: read as the text it is
  }
}

function collect(value: unknown): StructuredLine | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const texts: string[] = [];
  const classes: string[] = [];
  let code: string | undefined;
  let fields = 0;
  const visit = (entries: object, depth: number): void => {
    for (const [key, field] of Object.entries<unknown>({ ...entries })) {
      fields += 1;
      if (fields > mostFields) return;
      const name = plainKey(key);
      if (statementKey.test(name)) continue;
      if (typeof field === 'object' && field !== null) {
        if (depth < deepest) visit(field, depth + 1);
      } else if (codeKey.test(name)) code ??= String(field);
      else if (typeof field === 'string' && isTextKey(name)) texts.push(field);
      else if (typeof field === 'string' && isClassOfError(name, field)) classes.push(field);
    }
  };
  visit(value, 0);
  return { text: [...texts, ...classes].join('\n'), code };
}

function plainKey(key: string): string {
  return key.toLowerCase().replaceAll(/[^a-z]/g, '');
}

function isTextKey(name: string): boolean {
  return name === '' || messageKey.test(name); // what stands in a list has no name of its own
}

function isClassOfError(name: string, field: string): boolean {
  return classKey.test(name) && className.test(field);
}

const pair = /(?:^|\s)([\w.@-]{1,60})=("(?:[^"\\]|\\.)*"|[^\s"]\S*)/g;

function readLogfmt(line: string): StructuredLine | undefined {
  if (!/(?:^|\s)(?:level|lvl|severity)=/.test(line)) return undefined;
  const entries = [...line.matchAll(pair)].map(([, key = '', value = '']): [string, string] => [
    key,
    value.startsWith('"')
      ? value.slice(1, -1).replaceAll('\\n', '\n').replaceAll('\\"', '"')
      : value,
  ]);
  return collect(Object.fromEntries(entries));
}

const csvlogBegins = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [^\s,]+,/;
const csvField = /("(?:[^"]|"")*"?|[^,"]*)(?:,|$)/y;

/** Columns 12 to 14 of csvlog are severity, SQLSTATE and message (PostgreSQL documentation, Using CSV-Format Log Output). */
function readCsvlog(line: string): StructuredLine | undefined {
  if (!csvlogBegins.test(line)) return undefined;
  const fields: string[] = [];
  csvField.lastIndex = 0;
  while (fields.length < 14 && csvField.lastIndex < line.length) {
    const field = csvField.exec(line)?.[1];
    if (field === undefined) return undefined;
    fields.push(field);
  }
  const [, , , , , , , , , , , severity, code, message] = fields;
  if (code === undefined || message === undefined || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const text = message.replace(/^"|"$/g, '').replaceAll('""', '"');
  return { text: `${severity ?? ''}:  ${text}`, code };
}
