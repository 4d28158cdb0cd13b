/** PostgreSQL's units of time, in milliseconds. They are case-sensitive there. */
const units: Readonly<Record<string, number>> = {
  '': 1,
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const hexadecimal = /^0[xX][\da-fA-F]+/;
const octal = /^0[0-7]+(?![\d.eE])/;
const decimal = /^\d+(\.\d*)?([eE][+-]?\d+)?/;

/** A setting counted in milliseconds as PostgreSQL reads it, such as `600000`, `10min` or `1.5 h`; null for none. */
export function toMilliseconds(text: string | null): number | null {
  const trimmed = text?.trim() ?? '';
  const [digits] = hexadecimal.exec(trimmed) ?? octal.exec(trimmed) ?? decimal.exec(trimmed) ?? [];
  if (digits === undefined) return null;
  const factor = units[trimmed.slice(digits.length).trim()];
  if (factor === undefined) return null;
  const number = octal.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return toEven(number * factor);
}

/** As C's rint rounds: a half goes to the even neighbour. */
function toEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
