import { element } from '../dom.ts';
import { renderInline } from './render-inline.ts';
import type { Directory } from '../directory.ts';
import type { Passage } from './inline.ts';

/** Draws a text that was cut into passages. */
export function renderPassages(
  passages: readonly Passage[],
  directory: Directory,
): DocumentFragment {
  const fragment = document.createDocumentFragment();
  fragment.append(...passages.map((passage) => renderPassage(passage, directory)));
  return fragment;
}

function renderPassage(passage: Passage, directory: Directory): HTMLElement {
  switch (passage.kind) {
    case 'lines':
      return element('p', {}, renderInline(passage.children, directory));
    case 'quote':
      return element('blockquote', {}, renderInline(passage.children, directory));
    case 'preformatted':
      return element('pre', { tabindex: '0' }, renderInline(passage.children, directory));
    case 'heading':
      return renderHeading(passage.level, renderInline(passage.children, directory));
    case 'rule':
      return element('hr');
    case 'list': {
      const items = passage.items.map((item) => element('li', {}, renderInline(item, directory)));
      return passage.ordered
        ? element('ol', { start: String(passage.start) }, ...items)
        : element('ul', {}, ...items);
    }
    default:
      return passage satisfies never;
  }
}

/** Inside a message a heading is a strong line; the page's own headings stay the outline. */
function renderHeading(level: number, content: Node): HTMLElement {
  return element(
    'p',
    { class: 'markdown-heading', role: 'heading', 'aria-level': String(Math.min(level + 3, 6)) },
    content,
  );
}
