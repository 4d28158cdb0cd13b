const unitsInMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `30m`, `30min`, `2h` as milliseconds; undefined for everything else, and for no time at all. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,9})(ms|s|min|m|h|d)$/i.exec(text) ?? [];
  const ms = Number(digits) * (unitsInMs[unit.toLowerCase()] ?? Number.NaN);
  return Number.isSafeInteger(ms) && ms > 0 ? ms : undefined;
}
