/**
 * The emoji an operations bot writes. A name that is not here stays `:name:`, as Slack shows a name
 * its workspace does not have.
 */
const EMOJI = new Map(
  Object.entries({
    alarm_clock: '⏰',
    arrow_down: '⬇️',
    arrow_right: '➡️',
    arrow_up: '⬆️',
    arrows_counterclockwise: '🔄',
    bar_chart: '📊',
    bell: '🔔',
    bulb: '💡',
    chart_with_downwards_trend: '📉',
    chart_with_upwards_trend: '📈',
    eyes: '👀',
    fire: '🔥',
    gear: '⚙️',
    hammer_and_wrench: '🛠️',
    heavy_check_mark: '✔️',
    hourglass: '⌛',
    hourglass_flowing_sand: '⏳',
    information_source: 'ℹ️',
    large_blue_circle: '🔵',
    large_green_circle: '🟢',
    large_orange_circle: '🟠',
    large_yellow_circle: '🟡',
    lock: '🔒',
    mag: '🔍',
    memo: '📝',
    no_entry: '⛔',
    octagonal_sign: '🛑',
    pager: '📟',
    raised_hand: '✋',
    red_circle: '🔴',
    rocket: '🚀',
    rotating_light: '🚨',
    snowflake: '❄️',
    stopwatch: '⏱️',
    tada: '🎉',
    thumbsup: '👍',
    thumbsdown: '👎',
    unlock: '🔓',
    warning: '⚠️',
    white_check_mark: '✅',
    white_circle: '⚪',
    wrench: '🔧',
    x: '❌',
    zap: '⚡',
    zzz: '💤',
  }),
);

export function isEmojiName(name: string): boolean {
  return EMOJI.has(name);
}

/** The character of a short name, or the name as Slack writes an unknown one. */
export function emojiCharacter(name: string): string {
  return EMOJI.get(name) ?? `:${name}:`;
}

/** Replaces `:name:` in plain text whose `emoji` is on; nothing else in plain text means anything. */
export function withEmoji(text: string): string {
  return text.replaceAll(/:([a-z0-9_+-]+):/g, (_, name: string) => emojiCharacter(name));
}
