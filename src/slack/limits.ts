/**
 * Every limit of Slack that dbconn meets, as Slack documents them (Block Kit reference, chat.postMessage).
 * Slack refuses a whole message for one character too many, so builders cut here and nowhere else.
 */
export const slackLimits = {
  blocksPerMessage: 50,
  headerCharacters: 150,
  plainTextCharacters: 3000,
  contextElements: 10,
  tableRows: 100,
  tableColumns: 20,
  /** Summed over all tables of a message; a message may hold one table. */
  tableCharacters: 10_000,
  chartTitleCharacters: 50,
  chartPoints: 20,
  chartNameCharacters: 20,
  chartAxisCharacters: 50,
  /** `text` next to blocks: chat.update refuses more. */
  messageTextCharacters: 4000,
  urlCharacters: 3000,
  buttonCharacters: 75,
  confirmCharacters: 300,
  confirmTitleCharacters: 100,
  confirmButtonCharacters: 30,
  modalTitleCharacters: 24,
  inputCharacters: 3000,
  selectOptions: 100,
  optionCharacters: 75,
} as const;

/** Bounds that Slack does not state but a phone does: a message nobody scrolls through helps nobody. */
export const ownLimits = {
  leafCharacters: 600,
  preformattedCharacters: 3000,
  listItems: 20,
} as const;

/**
 * Cuts a text to at most `max` characters, never through a surrogate pair, and shows the cut by `…`.
 * Counts UTF-16 units, the larger of the two measures, because Slack does not say which one it uses.
 */
export function truncate(text: string, max: number): string {
  if (text.length <= max) return text;
  let cut = '';
  for (const character of text) {
    if (cut.length + character.length > max - 1) break;
    cut += character;
  }
  return `${cut.trimEnd()}…`;
}

/** The first items, and how many were left out. */
export function take<T>(items: readonly T[], max: number): { taken: readonly T[]; more: number } {
  return { taken: items.slice(0, max), more: Math.max(0, items.length - max) };
}
