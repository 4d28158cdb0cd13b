import { renderBlocks } from '../blocks/render-blocks.ts';
import { element } from '../dom.ts';
import { renderTextObject } from '../text/render-text-object.ts';
import { renderAvatar } from './avatar.ts';
import { renderFile } from './file.ts';
import type { Drawing } from '../blocks/drawing.ts';
import type { Session } from '../session.ts';
import type { Message } from '../workspace-view.ts';

export interface MessageContext {
  readonly session: Session;
  readonly channelId: string;
  /** Changes whenever all messages must be drawn anew, for another pair of eyes. */
  readonly key: string;
  /** Within its thread, or in the channel. */
  readonly inThread: boolean;
  /** The replies to show as a link below a message. */
  repliesTo(message: Message): readonly Message[];
}

interface Place {
  readonly context: MessageContext;
  /** Under the same name as the message before it. */
  readonly isContinued: boolean;
  readonly replies: readonly Message[];
}

/** Draws one message: who, when, what. */
export function renderMessage(message: Message, place: Place): HTMLElement {
  const { session } = place.context;
  const classes = [
    'message',
    message.is_ephemeral ? 'ephemeral' : '',
    place.isContinued ? 'continued' : '',
    message.subtype === 'tombstone' ? 'tombstone' : '',
  ];
  return element(
    'article',
    {
      class: classes.filter((name) => name !== '').join(' '),
      'data-ts': message.ts,
      'aria-label': `${session.directory.userName(message.user)}, ${timeOf(message)}`,
    },
    message.is_ephemeral ? element('p', { class: 'only-you' }, 'Only visible to you') : undefined,
    renderBroadcastNote(message, place.context),
    place.isContinued ? renderTime(message) : renderAvatar(message.user, session.directory),
    element(
      'div',
      { class: 'message-body' },
      place.isContinued ? undefined : renderByline(message, session),
      renderContent(message, place.context),
      ...(message.files ?? []).map(renderFile),
      renderRepliesLink(message, place),
    ),
  );
}

/** A reply that everybody was to see: in the channel it leads to its thread, in the thread it says so. */
function renderBroadcastNote(
  message: Message,
  { inThread, session }: MessageContext,
): HTMLElement | undefined {
  if (message.subtype !== 'thread_broadcast' || message.thread_ts === undefined) return undefined;
  const { thread_ts: thread } = message;
  if (inThread) {
    return element('p', { class: 'broadcast' }, 'Also sent to the channel');
  }
  const root = session.channel?.messages.find(({ ts }) => ts === thread);
  const link = element('button', { class: 'link', type: 'button' }, wordsOf(root));
  link.addEventListener('click', () => session.go({ ...session.place, thread }));
  return element('p', { class: 'broadcast' }, 'replied to a thread: ', link);
}

/** The fallback text of a message, cut: enough to recognise what a reply is about. */
function wordsOf(message: Message | undefined): string {
  const text = message?.text ?? '';
  return text === '' ? 'its thread' : text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function renderByline(message: Message, { directory }: Session): HTMLElement {
  return element(
    'div',
    { class: 'byline' },
    element('span', { class: 'author' }, directory.userName(message.user)),
    directory.isBot(message.user) ? element('span', { class: 'app-badge' }, 'APP') : undefined,
    renderTime(message),
  );
}

function renderTime(message: Message): HTMLElement {
  const moment = new Date(Number(message.ts) * 1000);
  return element(
    'time',
    { datetime: moment.toISOString(), title: moment.toLocaleString('en-US') },
    timeOf(message),
  );
}

function timeOf(message: Message): string {
  const moment = new Date(Number(message.ts) * 1000);
  return moment.toLocaleTimeString('en-US', { hour: 'numeric', minute: '2-digit' });
}

/** Blocks where there are some: the text is then only for notifications and screen readers. */
function renderContent(message: Message, context: MessageContext): HTMLElement | undefined {
  const { session } = context;
  if (message.blocks !== undefined && message.blocks.length > 0) {
    return renderBlocks(message.blocks, makeDrawing(message, context));
  }
  if (message.text === '') return undefined;
  return renderTextObject({ type: 'mrkdwn', text: message.text }, session.directory);
}

function makeDrawing(message: Message, { session, channelId }: MessageContext): Drawing {
  return {
    directory: session.directory,
    async act(action) {
      await session.act('action', { channel: channelId, ts: message.ts, ...action });
    },
    // A message is no form: whatever is chosen in it goes to the app at once.
    addField() {},
    keptValue: () => undefined,
  };
}

function renderRepliesLink(message: Message, place: Place): HTMLElement | undefined {
  const { session } = place.context;
  const count = place.replies.length;
  if (count === 0) return undefined;
  const link = element(
    'button',
    { class: 'replies', type: 'button' },
    ...[...new Set(place.replies.map(({ user }) => user))]
      .slice(0, 3)
      .map((user) => renderAvatar(user, session.directory)),
    element('span', {}, count === 1 ? '1 reply' : `${count} replies`),
  );
  link.addEventListener('click', () => session.go({ ...session.place, thread: message.ts }));
  return link;
}
