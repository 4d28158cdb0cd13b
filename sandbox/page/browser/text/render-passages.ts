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
    default:
      return passage satisfies never;
  }
}
