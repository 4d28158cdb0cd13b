import { decodeEntities } from './entities.ts';
import type { Inline } from './inline.ts';

/** `<…>` on one line. Slack has no escape for it other than writing `&lt;`. */
const TOKEN = /<([^<>\n]+)>/y;
const DATE = /^!date\^(\d{1,12})\^([^^]*)(?:\^([^|]*))?$/;
const MENTION = /^([@#])([A-Z0-9]+)$/;
const BROADCASTS = new Set(['!here', '!channel', '!everyone']);

/** Reads the control sequence that begins at `at`: a mention, a date, a broadcast or a link. */
export function readControlToken(
  source: string,
  at: number,
): { readonly node: Inline; readonly end: number } | undefined {
  TOKEN.lastIndex = at;
  const match = TOKEN.exec(source);
  const body = match?.[1];
  if (match === null || body === undefined) return undefined;
  const bar = body.indexOf('|');
  const command = bar === -1 ? body : body.slice(0, bar);
  const label = bar === -1 ? undefined : decodeEntities(body.slice(bar + 1));
  return { node: readCommand(command, label) ?? plainText(body), end: at + match[0].length };
}

function readCommand(command: string, label: string | undefined): Inline | undefined {
  const mention = MENTION.exec(command);
  const id = mention?.[2];
  if (id !== undefined) return { kind: mention?.[1] === '@' ? 'user' : 'channel', id };
  if (BROADCASTS.has(command)) return { kind: 'broadcast', range: command.slice(1) };
  if (command.startsWith('!subteam^'))
    return { kind: 'group', id: command.slice('!subteam^'.length) };
  if (command.startsWith('!')) return readDate(command, label);
  return readLink(command, label);
}

function readDate(command: string, fallback = ''): Inline | undefined {
  const [, timestamp, format, url] = DATE.exec(command) ?? [];
  if (timestamp === undefined || format === undefined) return undefined;
  const timestampSeconds = Number(timestamp);
  return {
    kind: 'date',
    timestampSeconds,
    format: decodeEntities(format),
    ...(url === undefined ? {} : { url: decodeEntities(url) }),
    fallback,
  };
}

function readLink(target: string, label: string | undefined): Inline | undefined {
  if (!/^(?:https?:\/\/|mailto:)/i.test(target)) return undefined;
  const url = decodeEntities(target);
  const text = label ?? url.replace(/^mailto:/i, '');
  return { kind: 'link', url, children: [{ kind: 'text', text }] };
}

function plainText(body: string): Inline {
  return { kind: 'text', text: `<${decodeEntities(body)}>` };
}
