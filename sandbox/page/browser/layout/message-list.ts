import { element } from '../dom.ts';
import { isReply } from '../workspace-view.ts';
import { renderMessage, type MessageContext } from './message.ts';
import { syncChildren } from './sync-children.ts';
import type { Message } from '../workspace-view.ts';

/** Messages of one author within this time stand under one name. */
const SAME_BREATH_MS = 5 * 60_000;
/** Nearer to the end than this, in pixels, a person is following and wants to see what is new. */
const FOLLOWING_PX = 80;

interface Drawn {
  readonly signature: string;
  readonly node: HTMLElement;
}

/** What an element showed last; messages that stayed as they were are not drawn again. */
const drawnIn = new WeakMap<HTMLElement, Map<string, Drawn>>();

/** Shows messages, oldest first, with the days between them. */
export function showMessages(
  list: HTMLElement,
  messages: readonly Message[],
  context: MessageContext,
): void {
  const before = drawnIn.get(list) ?? new Map<string, Drawn>();
  const after = new Map<string, Drawn>();
  const isFollowing =
    before.size === 0 || list.scrollHeight - list.scrollTop - list.clientHeight < FOLLOWING_PX;
  function draw(key: string, signature: string, render: () => HTMLElement): HTMLElement {
    const old = before.get(key);
    const node = old?.signature === signature ? old.node : render();
    after.set(key, { signature, node });
    return node;
  }
  const nodes = messages.flatMap((message, index) => {
    const previous = messages[index - 1];
    const isContinued = previous !== undefined && continues(previous, message);
    const replies = context.repliesTo(message);
    const signature = JSON.stringify([context.key, isContinued, message, replies]);
    const drawn = draw(message.ts, signature, () =>
      renderMessage(message, { context, isContinued, replies }),
    );
    const day = dayOf(message);
    if (previous !== undefined && dayOf(previous) === day) return [drawn];
    return [draw(day, nameOf(day), () => renderDay(nameOf(day))), drawn];
  });
  syncChildren(list, nodes);
  drawnIn.set(list, after);
  if (isFollowing) list.scrollTop = list.scrollHeight;
}

function continues(previous: Message, message: Message): boolean {
  return (
    previous.user === message.user &&
    previous.is_ephemeral === message.is_ephemeral &&
    // In a thread the replies begin anew below the message they are about.
    isReply(previous) === isReply(message) &&
    (Number(message.ts) - Number(previous.ts)) * 1000 < SAME_BREATH_MS &&
    dayOf(previous) === dayOf(message)
  );
}

function renderDay(name: string): HTMLElement {
  return element('div', { class: 'day', role: 'separator' }, element('span', {}, name));
}

function nameOf(day: string): string {
  return day === new Date().toDateString() ? 'Today' : day;
}

function dayOf(message: Message): string {
  return new Date(Number(message.ts) * 1000).toDateString();
}
