import { element } from '../dom.ts';
import { renderInline } from '../text/render-inline.ts';
import type { RichTextBlock, RichTextElement, RichTextList } from '@slack/types';
import type { Directory } from '../directory.ts';
import type { Inline, InlineStyle } from '../text/inline.ts';

type Part = RichTextBlock['elements'][number];

const STYLES = ['bold', 'italic', 'strike', 'underline'] as const satisfies readonly InlineStyle[];

/** Draws rich text; its strings are literal, no mark in them means anything. */
export function renderRichText(
  block: Pick<RichTextBlock, 'elements'>,
  directory: Directory,
): HTMLElement {
  return element('div', {}, ...block.elements.map((part) => renderPart(part, directory)));
}

function renderPart(part: Part, directory: Directory): HTMLElement {
  switch (part.type) {
    case 'rich_text_section':
      return element('p', {}, renderLeaves(part.elements, directory));
    case 'rich_text_quote':
      return element('blockquote', {}, renderLeaves(part.elements, directory));
    case 'rich_text_preformatted':
      return element('pre', { tabindex: '0' }, renderLeaves(part.elements, directory));
    case 'rich_text_list':
      return renderList(part, directory);
    default:
      return part satisfies never;
  }
}

function renderList(list: RichTextList & { readonly offset?: number }, directory: Directory) {
  const items = list.elements.map((item) =>
    element('li', {}, renderLeaves(item.elements, directory)),
  );
  return list.style === 'ordered'
    ? element('ol', { start: String((list.offset ?? 0) + 1) }, ...items)
    : element('ul', {}, ...items);
}

function renderLeaves(leaves: readonly RichTextElement[], directory: Directory): Node {
  return renderInline(leaves.flatMap(toInline), directory);
}

function toInline(leaf: RichTextElement): readonly Inline[] {
  const style: Partial<Record<InlineStyle | 'code', boolean>> = leaf.style ?? {};
  const plain = unstyled(leaf);
  const coded: readonly Inline[] =
    style.code === true ? [{ kind: 'code', children: plain }] : plain;
  return STYLES.reduce<readonly Inline[]>(
    (children, each) =>
      style[each] === true ? [{ kind: 'styled', style: each, children }] : children,
    coded,
  );
}

function unstyled(leaf: RichTextElement): readonly Inline[] {
  switch (leaf.type) {
    case 'text':
      return literal(leaf.text);
    case 'link':
      return [{ kind: 'link', url: leaf.url, children: literal(leaf.text ?? leaf.url) }];
    case 'user':
      return [{ kind: 'user', id: leaf.user_id }];
    case 'usergroup':
      return [{ kind: 'group', id: leaf.usergroup_id }];
    case 'channel':
      return [{ kind: 'channel', id: leaf.channel_id }];
    case 'broadcast':
      return [{ kind: 'broadcast', range: leaf.range }];
    case 'emoji':
      return [{ kind: 'emoji', name: leaf.name }];
    case 'date':
      return [
        {
          kind: 'date',
          timestampSeconds: leaf.timestamp,
          format: leaf.format,
          ...(leaf.url === undefined ? {} : { url: leaf.url }),
          fallback: leaf.fallback ?? '',
        },
      ];
    case 'team':
      return literal(leaf.team_id);
    case 'color':
      return literal(leaf.value);
    default:
      return leaf satisfies never;
  }
}

function literal(text: string): readonly Inline[] {
  return text
    .split('\n')
    .flatMap((line, index): readonly Inline[] => [
      ...(index === 0 ? [] : [{ kind: 'break' } as const]),
      ...(line === '' ? [] : [{ kind: 'text', text: line } as const]),
    ]);
}
