import { element } from '../dom.ts';
import type { Directory } from '../directory.ts';

const COLOURS = 8;

/** A square with the person's initials, in a colour that is always theirs; apps have a picture. */
export function renderAvatar(id: string, directory: Directory): HTMLElement {
  if (directory.isBot(id)) {
    return element('img', { class: 'avatar', src: '/app.svg', alt: '' });
  }
  const sum = Array.from(id).reduce(
    (total, letter) => total * 31 + (letter.codePointAt(0) ?? 0),
    7,
  );
  return element(
    'span',
    { class: `avatar avatar-${Math.abs(sum % COLOURS)}`, 'aria-hidden': 'true' },
    initials(directory.userName(id)),
  );
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '');
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .flatMap((word) => Array.from(word ?? '').slice(0, 1))
    .join('')
    .toUpperCase();
}
