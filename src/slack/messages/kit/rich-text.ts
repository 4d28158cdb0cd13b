import type {
  RichTextBlock,
  RichTextDate,
  RichTextLink,
  RichTextList,
  RichTextPreformatted,
  RichTextQuote,
  RichTextSection,
  RichTextText,
  RichTextUserMention,
  RichTextUsergroupMention,
} from '@slack/types';
import type { Actor } from '../../../runbook/approvals/request.ts';
import { cleanUntrusted } from '../../../runbook/snapshot/redaction/redact-text.ts';
import { ownLimits, slackLimits, take, toMessage, truncate } from './message.ts';
import type { Message, MessageBlock } from './message.ts';

/**
 * Rich text is where text from elsewhere may stand: Slack shows a leaf as it is, without mentions, links,
 * emoji or formatting. Every leaf made here is cleaned of control and direction characters and bounded.
 */
export type Leaf =
  RichTextText | RichTextLink | RichTextDate | RichTextUserMention | RichTextUsergroupMention;

export function plain(text: string, max: number = ownLimits.leafCharacters): RichTextText {
  return { type: 'text', text: clean(text, max) };
}

export function bold(text: string): RichTextText {
  return { ...plain(text), style: { bold: true } };
}

/** Something to copy or to recognise: a statement, a command, a name out of the database. */
export function code(text: string, max: number = ownLimits.leafCharacters): RichTextText {
  return { ...plain(text, max), style: { code: true } };
}

/**
 * A link from the configuration; never built from text that came out of a database or a log.
 * An address Slack would refuse leaves its title without the link.
 */
export function link(text: string, url: string): Leaf {
  const href = URL.canParse(url) ? new URL(url).href : '';
  const usable = /^https?:/.test(href) && href.length <= slackLimits.urlCharacters;
  return usable ? { type: 'link', url: href, text: clean(text, 100) } : plain(text, 100);
}

/** A moment, shown in each reader's own time zone. */
export function moment(iso: string): RichTextDate {
  return {
    type: 'date',
    timestamp: Math.floor(Date.parse(iso) / 1000),
    format: '{time_secs}',
    fallback: `${iso.slice(11, 19)} UTC`,
  };
}

/** A moment that may be days ago: the time of day alone would tell nothing. */
export function day(iso: string, separator = ', '): RichTextDate {
  const fallback = `${iso.slice(0, 16).replace('T', ' ')} UTC`;
  return { ...moment(iso), format: `{date_short_pretty}${separator}{time}`, fallback };
}

/** What somebody wrote, set apart from what dbconn says. */
export function quote(text: string): RichTextQuote {
  return { type: 'rich_text_quote', elements: [plain(text)] };
}

/**
 * One line of rich text: the words of the template are dbconn's own and kept as they are, a string that is filled in is
 * a plain leaf of its own.
 */
export function rich(words: TemplateStringsArray, ...parts: readonly (string | Leaf)[]): Leaf[] {
  return words.flatMap((own, index) => {
    const part = parts[index];
    return [
      ...(own === '' ? [] : [between(own)]),
      ...(part === undefined ? [] : [typeof part === 'string' ? plain(part) : part]),
    ];
  });
}

/** Words of dbconn's own that are put together first, kept as they are. */
export function between(text: string): RichTextText {
  return { type: 'text', text };
}

function clean(text: string, max: number): string {
  const cleaned = cleanUntrusted(text, max);
  // Slack refuses a whole message for one empty leaf.
  return cleaned.trim() === '' ? '–' : cleaned;
}

export function paragraph(leaves: readonly Leaf[]): RichTextSection {
  return { type: 'rich_text_section', elements: [...leaves] };
}

/** A point for each of the first; what is left out is counted in a last one. */
export function pointsOf<T>(
  items: readonly T[],
  atMost: number,
  toLeaves: (item: T) => readonly Leaf[],
): (readonly Leaf[])[] {
  const { taken, more } = take(items, atMost);
  return [...taken.map(toLeaves), ...(more > 0 ? [[between(`and ${more} more`)]] : [])];
}

/** At most 20 points; what is left out is counted in a last one. */
export function bullets(
  items: readonly (readonly Leaf[])[],
  style: RichTextList['style'] = 'bullet',
): RichTextList {
  const elements = pointsOf(items, ownLimits.listItems, (leaves) => leaves).map(paragraph);
  return { type: 'rich_text_list', style, elements };
}

/** Rows in a fixed-width font, cells padded to columns; the first row is the head. */
export function preformatted(rows: readonly (readonly PlainCell[])[]): RichTextPreformatted {
  const clean = rows.map((row) =>
    row.map((cell) => ({ ...cell, text: cleanUntrusted(cell.text, 40) })),
  );
  const widths = (clean[0] ?? []).map((_, column) =>
    Math.max(...clean.map((row) => row[column]?.text.length ?? 0)),
  );
  const lines = clean.map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0)));
  const text = truncate(
    lines.map((cells) => cells.join('  ').trimEnd()).join('\n'),
    ownLimits.preformattedCharacters,
  );
  return {
    type: 'rich_text_preformatted',
    elements: [{ type: 'text', text: text.trim() === '' ? '–' : text }],
  };
}

/** A command to copy, as it is: its names were found safe when the plan was made. */
export function commandText(command: string): RichTextPreformatted {
  return { type: 'rich_text_preformatted', elements: [{ type: 'text', text: command }] };
}

interface PlainCell {
  readonly text: string;
  readonly align: 'left' | 'right';
}

function pad({ text, align }: PlainCell, width: number): string {
  return align === 'right' ? text.padStart(width) : text.padEnd(width);
}

export function richText(...elements: RichTextBlock['elements']): RichTextBlock {
  return { type: 'rich_text', elements };
}

/** A titled list, or nothing where there is nothing to list. */
export function titledList(
  title: string,
  items: readonly (readonly Leaf[])[],
  style: RichTextList['style'] = 'bullet',
): RichTextBlock[] {
  return items.length === 0 ? [] : [richText(paragraph([bold(title)]), bullets(items, style))];
}

const mention = /<(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)>/;

/**
 * A sentence of the runbook with its `<@U…>` and `<!subteam^S…>` as mentions. For sentences without text from
 * elsewhere only: somebody who could write one of these into them could call people.
 */
export function mentioning(text: string): Leaf[] {
  return cleanUntrusted(text, ownLimits.leafCharacters)
    .split(mention)
    .flatMap((part, index) => {
      if (part === '') return [];
      return [index % 2 === 1 ? toMention(part) : between(part)];
    });
}

function toMention(part: string): Leaf {
  return part.startsWith('@')
    ? { type: 'user', user_id: part.slice(1) }
    : { type: 'usergroup', usergroup_id: part.slice('!subteam^'.length) };
}

/** The same without calling a group: it was called once, where that was meant. */
export function withoutGroups(leaves: readonly Leaf[]): Leaf[] {
  return leaves.map((leaf) => (leaf.type === 'usergroup' ? plain('their group') : leaf));
}

/** A person or a user group by id. */
export function mentionLeaf(id: string): Leaf {
  return toMention(id.startsWith('S') ? `!subteam^${id}` : `@${id}`);
}

export function actorLeaf({ id, via }: Actor): Leaf {
  return via === 'slack' ? mentionLeaf(id) : plain(`somebody at the ${via}`);
}

/** As toMessage, with the mentions of such a sentence kept in the text that notifications show. */
export function toMentioningMessage(text: string, blocks: readonly MessageBlock[]): Message {
  const message = toMessage(text, blocks);
  const kept = message.text.replaceAll(
    /&lt;(@[UW][A-Z0-9]+|!subteam\^S[A-Z0-9]+)&gt;/g,
    (_, inner: string) => `<${inner}>`,
  );
  return { ...message, text: kept };
}
