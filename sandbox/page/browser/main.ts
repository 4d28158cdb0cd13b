import { byId, element } from './dom.ts';
import { makeComposer } from './layout/composer.ts';
import { makeHomeTab } from './layout/home-tab.ts';
import { showMessages } from './layout/message-list.ts';
import { makeModalScreen } from './layout/modal.ts';
import { showPlaceHeader } from './layout/place-header.ts';
import { showSidebar } from './layout/sidebar.ts';
import { makeThreadPane } from './layout/thread.ts';
import { markSeen } from './layout/unread.ts';
import { listenForChanges } from './live-events.ts';
import { onPermalink, openAddress, showMessage } from './permalink.ts';
import { readPermalink } from './place.ts';
import { startSession, type Session } from './session.ts';
import { isInChannel, isReply, type Channel } from './workspace-view.ts';

const sidebar = byId('sidebar', HTMLElement);
const header = byId('place-header', HTMLElement);
const conversation = byId('conversation', HTMLElement);
const disconnected = byId('disconnected', HTMLElement);
const composer = makeComposer(byId('composer', HTMLFormElement));
const home = makeHomeTab(byId('home', HTMLElement));
const thread = makeThreadPane(byId('thread', HTMLElement));
const modal = makeModalScreen(byId('modal', HTMLDialogElement));

let shownConversation = '';

function draw(session: Session): void {
  const { view, channel } = session;
  document.title = `${titleOf(session)} · ${view.team.name}`;
  if (channel !== undefined) markSeen(channel, session);
  showSidebar(sidebar, session);
  showPlaceHeader(header, session);
  home.show(session);
  showConversation(session, channel);
  thread.show(session);
  composer.show(session);
  modal.show(session);
  if (wanted !== undefined && showMessage(wanted)) wanted = undefined;
}

function titleOf({ view, channel }: Session): string {
  return channel === undefined || channel.kind === 'im' ? view.app.name : `#${channel.name}`;
}

function showConversation(session: Session, channel: Channel | undefined): void {
  const { place, view } = session;
  conversation.hidden = place.kind === 'app' && place.tab === 'home';
  const key = `${view.me} ${channel?.id ?? ''}`;
  const isNew = key !== shownConversation;
  shownConversation = key;
  const messages = channel?.messages ?? [];
  if (messages.length === 0) {
    conversation.replaceChildren(renderEmpty(session));
    return;
  }
  const replies = Map.groupBy(messages.filter(isReply), (message) => message.thread_ts);
  showMessages(conversation, messages.filter(isInChannel), {
    session,
    channelId: channel?.id ?? '',
    key,
    inThread: false,
    repliesTo: (message) => replies.get(message.ts) ?? [],
  });
  if (isNew) conversation.scrollTop = conversation.scrollHeight;
}

function renderEmpty({ view, channel }: Session): HTMLElement {
  const command = view.commands[0]?.command;
  const words =
    channel === undefined
      ? `${view.app.name} has not written to you yet.`
      : `Nothing here yet. ${command === undefined ? '' : `Type ${command} help below.`}`;
  return element('p', { class: 'empty' }, words);
}

/** On a phone the side bar lies over the conversation; a touch beside it, or Escape, puts it away. */
function closeDrawer(event: Event): void {
  if (!document.body.classList.contains('drawer-open')) return;
  document.body.classList.remove('drawer-open');
  event.preventDefault();
  event.stopPropagation();
}
byId('place', HTMLElement).addEventListener('click', closeDrawer, { capture: true });
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') closeDrawer(event);
});

/** A message that was followed to may be drawn only after the next read. */
let wanted: string | undefined = readPermalink(location.href)?.ts;

document.addEventListener('click', (event) => {
  const link = event.target instanceof Element ? event.target.closest('a') : null;
  if (link === null || readPermalink(link.href) === undefined) return;
  event.preventDefault();
  openAddress(link.href);
});

try {
  const session = await startSession(draw);
  onPermalink(({ place, ts }) => {
    wanted = ts;
    session.go(place);
  });
  listenForChanges({
    onChange: () => void session.refresh(),
    onConnection(connected) {
      disconnected.hidden = connected;
    },
  });
} catch (error) {
  conversation.replaceChildren(
    element('p', { class: 'empty' }, error instanceof Error ? error.message : String(error)),
  );
}
