/** `1 session`, `3 sessions`; the plural is given where an s is not enough. */
export function count(value: number, noun: string, plural = `${noun}s`): string {
  return `${value} ${value === 1 ? noun : plural}`;
}

/** `85%`. */
export function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

/** `40 seconds`, `6 minutes`, `3 hours`, `2 days`: one unit, rounded, as a person would say it. */
export function durationOfSeconds(seconds: number): string {
  if (seconds < 90) return count(Math.round(seconds), 'second');
  if (seconds < 90 * 60) return count(Math.round(seconds / 60), 'minute');
  if (seconds < 36 * 3600) return count(Math.round(seconds / 3600), 'hour');
  return count(Math.round(seconds / 86_400), 'day');
}

/** `10 ms`, `3.5 s`: here fractions of a second are what matters. */
export function inSeconds(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1_000)} ms` : `${Math.round(seconds * 10) / 10} s`;
}

/** `40 s`, `12 min`, `3 h 05`, `2 d`: as short as a table wants it, and never a false precision. */
export function toAge(seconds: number | null): string {
  if (seconds === null) return '–';
  if (seconds < 120) return `${Math.max(0, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? `${hours} h ${String(minutes % 60).padStart(2, '0')}`
    : `${Math.round(hours / 24)} d`;
}

/** `a`, `a and b`, `a, b and c`. */
export function list(items: readonly string[]): string {
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Rounded to what a reader at night needs: `45 s`, `12 min`, `3 h`. */
export function durationOfMs(ms: number): string {
  if (ms < 120_000) return `${Math.round(ms / 1000)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}

/** For a name that begins a sentence. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
