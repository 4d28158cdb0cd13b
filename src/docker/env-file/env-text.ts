import { isUtf8 } from 'node:buffer';
import { parseEnv } from 'node:util';
import type { Problem } from '../../runbook/snapshot/snapshot.ts';
import { toUnreadable } from './replace-file.ts';

/**
 * Sets variables in the text of a `.env` and leaves every other byte as it is: comments, order, quotes, `export`,
 * spaces, line endings. Of several lines for one name the last is changed, for that is the one that counts.
 * A name that is missing is added at the end. Returns undefined when what would be read from the result is not
 * the old text with exactly these values: a look-alike within a quoted value of several lines is not touched.
 */
export function setVariables(
  text: string,
  variables: Readonly<Record<string, number>>,
): string | undefined {
  let next = text;
  for (const [name, value] of Object.entries(variables)) next = setVariable(next, name, value);
  const expected = { ...parseEnv(text) };
  for (const [name, value] of Object.entries(variables)) expected[name] = String(value);
  return isSame(parseEnv(next), expected) ? next : undefined;
}

function setVariable(text: string, name: string, value: number): string {
  const lines = text.split('\n');
  const at = lines.findLastIndex((line) => patternFor(name).test(line));
  if (at !== -1) {
    return lines
      .map((line, index) => (index === at ? replaceValue(line, name, value) : line))
      .join('\n');
  }
  const end = text.includes('\r\n') ? '\r\n' : '\n';
  const gap = text === '' || text.endsWith('\n') ? '' : end;
  return `${text}${gap}${name}=${value}${end}`;
}

/** Name and sign, an opening quote or none, the value, the same quote, a comment, a carriage return. */
function patternFor(name: string): RegExp {
  const before = String.raw`(?<before>\s*(?:export\s+)?${name}\s*=[ \t]*)`;
  const value = String.raw`(?<quote>["']?)[^"'#\r]*?\k<quote>`;
  return new RegExp(String.raw`^${before}${value}(?<after>[ \t]*(?:[ \t]#[^\r]*)?\r?)$`);
}

function replaceValue(line: string, name: string, value: number): string {
  return line.replace(patternFor(name), `$<before>$<quote>${value}$<quote>$<after>`);
}

function isSame(a: NodeJS.Dict<string>, b: NodeJS.Dict<string>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** No pool has as many connections, so it shows whether a line is where a variable comes from. */
const unlikely = 987_654_321;

interface EnvBytes {
  /** Its path, as people write it. */
  readonly file: string;
  readonly bytes: Buffer;
}

/** Why these variables cannot be set in a file with these bytes. Only numbers of lines and `names` are said of it. */
export function nameEnvProblem(env: EnvBytes, names: readonly string[]): Problem {
  return nameEncoding(env) ?? nameLine(env, names) ?? toUnreadable(env.file);
}

const asUtf8 = 'Save it as UTF-8 without a byte order mark, and propose it again.';

function nameEncoding({ file, bytes }: EnvBytes): Problem | undefined {
  if (isUtf8(bytes) && !bytes.includes(0)) return undefined;
  // Half of the bytes of UTF-16 are zero, as editors of Windows and PowerShell write it.
  if (bytes.includes(0)) return unsupported(`${file} is in UTF-16, not in UTF-8.`, asUtf8);
  const lines = splitLines(bytes);
  const line = lines.findIndex((one) => !isUtf8(one)) + 1;
  const where = `line ${line} of ${file}`;
  const what = 'is in another encoding than UTF-8, such as Latin-1 or Windows-1252';
  return unsupported(`The text in ${where} ${what}.`, asUtf8);
}

function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let from = 0; from <= bytes.length;) {
    const end = bytes.indexOf('\n', from);
    const to = end === -1 ? bytes.length : end;
    lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return lines;
}

/** The last line that seems to set one of the names decides, as it does for Compose. */
function nameLine({ file, bytes }: EnvBytes, names: readonly string[]): Problem | undefined {
  const lines = bytes.toString('utf8').split('\n');
  for (const name of names) {
    const at = lines.findLastIndex((line) => patternFor(name).test(line));
    if (at === -1) continue;
    const line = lines[at] ?? '';
    const place = `Line ${at + 1} of ${file}`;
    if (line.startsWith('\uFEFF')) {
      const what = `begins with a byte order mark, so it does not set ${name}`;
      return unsupported(`${place} ${what}.`, asUtf8);
    }
    const [before = ''] = line.split(name, 1);
    const after = line.slice(before.length + name.length).split('=', 1);
    if (/[^\t\r ]/.test(`${before.replace(/^\s*export/, '')}${after.join('')}`)) {
      const what = `has a character next to ${name} that looks like a space and is not one`;
      return unsupported(`${place} ${what}.`, 'Replace it by a blank, or leave it out.');
    }
    const changed = lines.with(at, replaceValue(line, name, unlikely)).join('\n');
    if (parseEnv(changed)[name] === String(unlikely)) continue;
    const what = `looks like ${name}=…, but is within the quoted value of another variable`;
    const fix = `Move the line that does set ${name} below that value, and propose it again.`;
    return unsupported(`${place} ${what}.`, fix);
  }
  return undefined;
}

function unsupported(summary: string, fix: string): Problem {
  return { kind: 'unsupported', summary, fix };
}
