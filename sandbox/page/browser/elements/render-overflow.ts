import { element, uniqueId } from '../dom.ts';
import { openAddress } from '../permalink.ts';
import { plainTextOf } from '../text/render-text-object.ts';
import type { Overflow, PlainTextOption } from '@slack/types';

/** Between a menu and its button, and between a menu and the window's edge. */
const GAP_PX = 4;

/** A "…" button with a menu of options; `choose` gets the option that was picked. */
export function renderOverflow(
  spec: Overflow,
  choose: (option: PlainTextOption) => void,
): HTMLElement {
  const menuId = uniqueId('overflow');
  const opener = element(
    'button',
    {
      class: 'button button-overflow',
      type: 'button',
      'aria-label': 'More actions',
      'aria-haspopup': 'menu',
      'aria-expanded': 'false',
      popovertarget: menuId,
    },
    '•••',
  );
  const items = spec.options.map((option) => renderItem(option));
  // A popover lies above everything, is never cut off by a scrolling list, and Escape closes only it.
  const menu = element(
    'div',
    { class: 'menu', id: menuId, role: 'menu', popover: 'auto' },
    ...items,
  );
  menu.addEventListener('toggle', () => {
    const isOpen = menu.matches(':popover-open');
    opener.setAttribute('aria-expanded', String(isOpen));
    if (!isOpen) return;
    placeBeside(menu, opener);
    items[0]?.focus();
  });
  menu.addEventListener('keydown', (event) => moveFocus(items, event));
  for (const [index, item] of items.entries()) {
    item.addEventListener('click', () => {
      menu.hidePopover();
      const option = spec.options[index];
      if (option !== undefined) choose(option);
    });
  }
  return element('div', { class: 'overflow' }, opener, menu);
}

function renderItem(option: PlainTextOption): HTMLElement {
  const item = element(
    'button',
    { type: 'button', role: 'menuitem', tabindex: '-1' },
    plainTextOf(option.text),
  );
  if (option.description !== undefined) {
    item.append(element('small', {}, plainTextOf(option.description)));
  }
  const { url } = option;
  if (url !== undefined) {
    item.addEventListener('click', () => openAddress(url));
  }
  return item;
}

/** Below the button where there is room, otherwise above it; always wholly within the window. */
function placeBeside(menu: HTMLElement, opener: HTMLElement): void {
  const button = opener.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = button.bottom + GAP_PX;
  const top = below + height > innerHeight ? button.top - GAP_PX - height : below;
  const left = Math.min(button.left, innerWidth - width - GAP_PX);
  menu.style.top = `${Math.max(GAP_PX, top)}px`;
  menu.style.left = `${Math.max(GAP_PX, left)}px`;
}

function moveFocus(items: readonly HTMLElement[], event: KeyboardEvent): void {
  const step = new Map([
    ['ArrowDown', 1],
    ['ArrowUp', -1],
  ]).get(event.key);
  if (step === undefined) return;
  event.preventDefault();
  const at = items.findIndex((item) => item === document.activeElement);
  items[(at + step + items.length) % items.length]?.focus();
}
