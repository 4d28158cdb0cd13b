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
export function stripPrefix(line: string): string {
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
export function commonIndent(lines: readonly string[]): number {
  const widths = lines.filter((line) => line.trim() !== '').map((line) => line.search(/[^ ]/));
  return widths.length < 2 ? 0 : widths.reduce((least, width) => Math.min(least, width));
}

/** Whatever stands before `Traceback`, when it stands before the lines below as well, whatever its figures are. */
export function learnPrefix(prefix: string): RegExp | undefined {
  if (!/\S/.test(prefix) || /^[\s|+]*$/.test(prefix)) return undefined;
  const escaped = prefix.replaceAll(/[$()*+./?[\\\]^{|}-]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/\d+/g, String.raw`\d+`).trimEnd()} ?`);
}
