import { readPermalink, type Permalink } from './place.ts';

let follow: ((permalink: Permalink) => void) | undefined;

/** Says who goes to a message when its address is followed on this page. */
export function onPermalink(goTo: (permalink: Permalink) => void): void {
  follow = goTo;
}

/** As Slack's client does it: to a message right here, to everything else in a tab of its own. */
export function openAddress(address: string): void {
  const permalink = readPermalink(address);
  if (permalink === undefined) window.open(address, '_blank', 'noopener,noreferrer');
  else follow?.(permalink);
}

/** Brings a message into sight and marks it for a moment; false where it is not on the page. */
export function showMessage(ts: string): boolean {
  const places = [
    ...document.querySelectorAll<HTMLElement>(`.message[data-ts="${CSS.escape(ts)}"]`),
  ];
  // In the thread where there is one: the pane lies beside the conversation and shows it too.
  const message = places.at(-1);
  if (message === undefined) return false;
  message.scrollIntoView({ block: 'center' });
  message.classList.remove('found');
  // Reading the layout in between makes the animation begin anew.
  void message.offsetWidth;
  message.classList.add('found');
  return true;
}
