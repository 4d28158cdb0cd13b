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
export function continuesReport(before: string, line: string): boolean {
  const [, prefix = '', label = ''] = labelled.exec(line) ?? [];
  if (prefix === '' || begins.test(label)) return false;
  if (further.test(label)) return true;
  const another = !before.startsWith(`${prefix}${label}:`);
  return another && withMilliseconds.test(prefix) && before.startsWith(prefix);
}
