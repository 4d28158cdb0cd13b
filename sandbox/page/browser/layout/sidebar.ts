import { element } from '../dom.ts';
import { renderAvatar } from './avatar.ts';
import { redraw } from './redraw.ts';
import { countUnread } from './unread.ts';
import type { Place } from '../place.ts';
import type { Session } from '../session.ts';
import type { Channel } from '../workspace-view.ts';

/** Draws the workspace's name, its channels, its app, and who one can be. */
export function showSidebar(sidebar: HTMLElement, session: Session): void {
  const { view } = session;
  const rooms = view.channels.filter(({ kind }) => kind !== 'im');
  redraw(sidebar, [
    element(
      'header',
      { class: 'workspace' },
      element('strong', {}, view.team.name),
      element('small', {}, 'A local Slack. Nothing leaves this machine.'),
    ),
    element(
      'nav',
      { 'aria-label': 'Conversations' },
      renderGroup(
        'Channels',
        rooms.map((room) => renderChannel(room, session)),
      ),
      renderGroup('Apps', [renderApp(session)]),
    ),
    renderPeople(session),
  ]);
}

function renderGroup(title: string, entries: readonly HTMLElement[]): HTMLElement {
  return element(
    'section',
    {},
    element('h2', {}, title),
    element('ul', {}, ...entries.map((entry) => element('li', {}, entry))),
  );
}

function renderChannel(channel: Channel, session: Session): HTMLElement {
  const { place } = session;
  return renderEntry(session, {
    to: { kind: 'channel', id: channel.id },
    isHere: place.kind === 'channel' && place.id === channel.id,
    sign: element('span', { class: 'sign' }, channel.kind === 'private' ? '🔒' : '#'),
    words: channel.name,
    unread: countUnread(channel, session),
  });
}

/** The app's entry leads to its messages when it wrote some, otherwise to its Home. */
function renderApp(session: Session): HTMLElement {
  const { view, place, directory } = session;
  const direct = view.channels.find(({ kind }) => kind === 'im');
  const unread = direct === undefined ? 0 : countUnread(direct, session);
  return renderEntry(session, {
    to: { kind: 'app', tab: unread > 0 ? 'messages' : 'home' },
    isHere: place.kind === 'app',
    sign: renderAvatar(view.app.user, directory),
    words: view.app.name,
    unread,
  });
}

interface Entry {
  readonly to: Place;
  readonly isHere: boolean;
  readonly sign: HTMLElement;
  readonly words: string;
  readonly unread: number;
}

function renderEntry(session: Session, { to, isHere, sign, words, unread }: Entry): HTMLElement {
  const badge =
    unread === 0
      ? undefined
      : element('span', { class: 'badge', 'aria-label': `${unread} unread` }, String(unread));
  const entry = element(
    'button',
    {
      class: unread > 0 ? 'entry unread' : 'entry',
      type: 'button',
      'aria-current': isHere && 'page',
      'data-key': to.kind === 'app' ? 'app' : to.id,
    },
    sign,
    element('span', { class: 'entry-words' }, words),
    badge,
  );
  entry.addEventListener('click', () => {
    document.body.classList.remove('drawer-open');
    session.go(to);
    if (to.kind === 'app' && to.tab === 'home') void session.act('home', {});
  });
  return entry;
}

function renderPeople(session: Session): HTMLElement {
  const { directory, view } = session;
  const entries = directory.people.map((person) => {
    const words = element('span', { class: 'entry-words' }, person.realName);
    if (person.isGuest) words.append(element('small', {}, ' guest'));
    const entry = element(
      'button',
      {
        class: 'entry',
        type: 'button',
        'aria-pressed': String(person.id === view.me),
        'data-key': person.id,
      },
      renderAvatar(person.id, directory),
      words,
      person.id === view.me ? element('span', { class: 'you' }, 'you') : undefined,
    );
    entry.addEventListener('click', () => {
      document.body.classList.remove('drawer-open');
      void session.become(person.id);
    });
    return element('li', {}, entry);
  });
  return element(
    'section',
    { class: 'people', 'aria-label': 'Act as' },
    element('h2', {}, 'Act as'),
    element('ul', {}, ...entries),
  );
}
