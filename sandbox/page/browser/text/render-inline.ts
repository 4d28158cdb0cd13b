import { element } from '../dom.ts';
import { emojiCharacter } from './emoji.ts';
import { formatSlackDate } from './slack-date.ts';
import type { Directory } from '../directory.ts';
import type { Inline, InlineStyle } from './inline.ts';

const STYLE_TAGS = {
  bold: 'strong',
  italic: 'em',
  strike: 's',
  underline: 'u',
} as const satisfies {
  readonly [style in InlineStyle]: keyof HTMLElementTagNameMap;
};

/** Draws inline nodes; every string in them ends in a text node. */
export function renderInline(nodes: readonly Inline[], directory: Directory): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...nodes.map((node) => renderNode(node, directory)));
  return fragment;
}

function renderNode(node: Inline, directory: Directory): Node {
  switch (node.kind) {
    case 'text':
      return document.createTextNode(node.text);
    case 'break':
      return element('br');
    case 'styled':
      return element(STYLE_TAGS[node.style], {}, renderInline(node.children, directory));
    case 'code':
      return element('code', {}, renderInline(node.children, directory));
    case 'link':
      return renderLink(node.url, renderInline(withoutLinks(node.children), directory));
    case 'emoji':
      return element(
        'span',
        { class: 'emoji', role: 'img', 'aria-label': node.name.replaceAll('_', ' ') },
        emojiCharacter(node.name),
      );
    case 'date':
      return renderDate(node);
    case 'user':
    case 'channel':
    case 'group':
    case 'broadcast':
      return renderMention(node, directory);
    default:
      return node satisfies never;
  }
}

function renderMention(
  node: Extract<Inline, { kind: 'user' | 'channel' | 'group' | 'broadcast' }>,
  directory: Directory,
): Node {
  if (node.kind === 'channel') return mention(`#${directory.channelName(node.id)}`, false);
  if (node.kind === 'broadcast') return mention(`@${node.range}`, true);
  if (node.kind === 'user')
    return mention(`@${directory.userName(node.id)}`, node.id === directory.me);
  return mention(`@${directory.groupHandle(node.id)}`, false);
}

function mention(text: string, callsMe: boolean): Node {
  return element('span', { class: callsMe ? 'mention mention-me' : 'mention' }, text);
}

function renderDate(node: Extract<Inline, { kind: 'date' }>): Node {
  const moment = new Date(node.timestampSeconds * 1000);
  const known = !Number.isNaN(moment.getTime());
  const time = element(
    'time',
    known ? { datetime: moment.toISOString(), title: moment.toUTCString() } : {},
    formatSlackDate(node),
  );
  return node.url === undefined ? time : renderLink(node.url, time);
}

/** A link only ever leads to the web or to a mail; anything else stays the text it is. */
function renderLink(url: string, content: Node): Node {
  const parsed = URL.parse(url);
  if (parsed === null || !['http:', 'https:', 'mailto:'].includes(parsed.protocol)) return content;
  return element(
    'a',
    { href: parsed.href, target: '_blank', rel: 'noopener noreferrer', title: parsed.href },
    content,
  );
}

/** A link within a link is no HTML: the outer one wins. */
function withoutLinks(nodes: readonly Inline[]): readonly Inline[] {
  return nodes.flatMap((node) => (node.kind === 'link' ? withoutLinks(node.children) : [node]));
}
