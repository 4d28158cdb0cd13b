import { element } from '../dom.ts';
import { isReply } from '../workspace-view.ts';
import { showMessages } from './message-list.ts';
import type { Session } from '../session.ts';

/** The pane beside a conversation: a message and everything said under it. */
interface ThreadPane {
  show(session: Session): void;
}

/** Builds the thread pane into its element. */
export function makeThreadPane(pane: HTMLElement): ThreadPane {
  const where = element('small', {});
  const close = element(
    'button',
    { class: 'icon-button', type: 'button', 'aria-label': 'Close thread' },
    '✕',
  );
  const list = element('div', { class: 'messages', role: 'log', 'aria-label': 'Thread' });
  const note = element('p', { class: 'thread-note' }, 'Slash commands do not work in threads.');
  pane.append(element('header', {}, element('h2', {}, 'Thread'), where, close), list, note);
  let session: Session | undefined;
  close.addEventListener('click', () => {
    if (session === undefined) return;
    const { thread: _closed, ...place } = session.place;
    session.go(place);
  });
  return {
    show(next) {
      session = next;
      const { channel, place } = next;
      const { thread } = place;
      pane.hidden = thread === undefined || channel === undefined;
      if (thread === undefined || channel === undefined) return;
      where.textContent = channel.kind === 'im' ? '' : `#${channel.name}`;
      const messages = channel.messages.filter(
        (message) => message.ts === thread || (isReply(message) && message.thread_ts === thread),
      );
      showMessages(list, messages, {
        session: next,
        channelId: channel.id,
        key: `${next.view.me} ${thread}`,
        inThread: true,
        repliesTo: () => [],
      });
    },
  };
}
