import { parseEnv } from 'node:util';

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
export function patternFor(name: string): RegExp {
  const before = String.raw`(?<before>\s*(?:export\s+)?${name}\s*=[ \t]*)`;
  const value = String.raw`(?<quote>["']?)[^"'#\r]*?\k<quote>`;
  return new RegExp(String.raw`^${before}${value}(?<after>[ \t]*(?:[ \t]#[^\r]*)?\r?)$`);
}

export function replaceValue(line: string, name: string, value: number): string {
  return line.replace(patternFor(name), `$<before>$<quote>${value}$<quote>$<after>`);
}

function isSame(a: NodeJS.Dict<string>, b: NodeJS.Dict<string>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
