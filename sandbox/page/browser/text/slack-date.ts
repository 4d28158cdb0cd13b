type Formatter = (date: Date, now: Date) => string;

const FORMATTERS: Readonly<Record<string, Formatter>> = {
  date_num: (date) =>
    [date.getFullYear(), date.getMonth() + 1, date.getDate()]
      .map((part) => String(part).padStart(2, '0'))
      .join('-'),
  date: (date) => inWords(date, { month: 'long', day: 'numeric', year: 'numeric' }),
  date_short: (date) => inWords(date, { month: 'short', day: 'numeric', year: 'numeric' }),
  date_long: (date) =>
    inWords(date, { weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' }),
  date_pretty: (date, now) =>
    nearDay(date, now) ?? inWords(date, { month: 'long', day: 'numeric', year: 'numeric' }),
  date_short_pretty: (date, now) =>
    nearDay(date, now) ?? inWords(date, { month: 'short', day: 'numeric', year: 'numeric' }),
  date_long_pretty: (date, now) =>
    nearDay(date, now) ??
    inWords(date, { weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' }),
  time: (date) => inWords(date, { hour: 'numeric', minute: '2-digit' }),
  time_secs: (date) => inWords(date, { hour: 'numeric', minute: '2-digit', second: '2-digit' }),
  ago: (date, now) => ago(now.getTime() - date.getTime()),
};

/**
 * Fills in Slack's date placeholders in the reader's own time zone.
 * A placeholder Slack does not know makes the whole text the fallback, as Slack does.
 */
export function formatSlackDate(
  date: { readonly timestampSeconds: number; readonly format: string; readonly fallback: string },
  now: Date = new Date(),
): string {
  const moment = new Date(date.timestampSeconds * 1000);
  let known = !Number.isNaN(moment.getTime());
  if (!known) return date.fallback;
  const text = date.format.replaceAll(/\{([a-z_]+)\}/g, (whole, name: string) => {
    const formatter = Object.hasOwn(FORMATTERS, name) ? FORMATTERS[name] : undefined;
    known &&= formatter !== undefined;
    return formatter?.(moment, now) ?? whole;
  });
  if (!known) return date.fallback;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function inWords(date: Date, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat('en-US', options).format(date);
}

function nearDay(date: Date, now: Date): string | undefined {
  const days = Math.round((startOfDay(date) - startOfDay(now)) / 86_400_000);
  return new Map([
    [-1, 'yesterday'],
    [0, 'today'],
    [1, 'tomorrow'],
  ]).get(days);
}

function startOfDay(date: Date): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
}

function ago(elapsedMs: number): string {
  const seconds = Math.round(Math.abs(elapsedMs) / 1000);
  const [amount, unit] =
    seconds < 60
      ? [seconds, 'second']
      : seconds < 3600
        ? [Math.round(seconds / 60), 'minute']
        : seconds < 86_400
          ? [Math.round(seconds / 3600), 'hour']
          : [Math.round(seconds / 86_400), 'day'];
  const words = `${amount} ${unit}${amount === 1 ? '' : 's'}`;
  return elapsedMs < 0 ? `in ${words}` : `${words} ago`;
}
