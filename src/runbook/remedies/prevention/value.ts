const units: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** Milliseconds as PostgreSQL's SHOW writes them: in the largest unit that keeps them whole, `10min`, `1500ms`, `0`. */
export function toTimeoutText(ms: number): string {
  if (ms === 0) return '0';
  const [name, size] = units.find(([, size]) => ms % size === 0) ?? ['ms', 1];
  return `${ms / size}${name}`;
}

/** The same, where nothing may be set. */
export function toTimeoutTextOrNull(ms: number | null): string | null {
  return ms === null ? null : toTimeoutText(ms);
}

/** The way back, for a text of ours. */
export function readTimeoutText(text: string | null): number | null {
  if (text === null) return null;
  const size = units.find(([name]) => text === `${Number.parseInt(text, 10)}${name}`)?.[1] ?? 1;
  return Number.parseInt(text, 10) * size;
}
