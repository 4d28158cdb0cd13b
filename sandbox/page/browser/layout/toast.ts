import { byId, element } from '../dom.ts';

const SHOWN_FOR_MS = 8000;
/** More than these at once nobody reads. */
const MAX_TOASTS = 3;

/** Tells the person something that belongs to no place on the page. */
export function showToast(text: string): void {
  const toasts = byId('toasts', HTMLElement);
  const toast = element('p', { class: 'toast' }, text);
  toasts.append(toast);
  while (toasts.childElementCount > MAX_TOASTS) toasts.firstElementChild?.remove();
  // An open modal makes everything else inert and covers it; a popover lies above it.
  toasts.hidePopover();
  toasts.showPopover();
  setTimeout(() => {
    toast.remove();
    if (toasts.childElementCount === 0) toasts.hidePopover();
  }, SHOWN_FOR_MS);
}
