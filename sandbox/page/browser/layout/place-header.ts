import { element } from '../dom.ts';
import { renderAvatar } from './avatar.ts';
import { redraw } from './redraw.ts';
import type { AppTab } from '../place.ts';
import type { Session } from '../session.ts';
import type { Channel } from '../workspace-view.ts';

const TABS = { home: 'Home', messages: 'Messages' } as const satisfies {
  readonly [tab in AppTab]: string;
};

/** Draws where one is, and for the app its tabs. */
export function showPlaceHeader(header: HTMLElement, session: Session): void {
  const drawer = element(
    'button',
    {
      class: 'drawer-opener icon-button',
      type: 'button',
      'aria-label': 'Channels and people',
      'data-key': 'drawer',
    },
    '☰',
  );
  drawer.addEventListener('click', () => document.body.classList.add('drawer-open'));
  const { place, channel } = session;
  redraw(header, [
    drawer,
    ...(place.kind === 'app' ? renderAppHeader(session, place.tab) : renderRoom(session, channel)),
  ]);
}

function renderRoom(session: Session, channel: Channel | undefined): readonly HTMLElement[] {
  if (channel === undefined) return [element('h1', {}, 'No channel')];
  const members = channel.members.map((id) => session.directory.userName(id));
  return [
    element('h1', {}, channel.kind === 'private' ? '🔒 ' : '# ', channel.name),
    element(
      'span',
      { class: 'members', title: members.join(', ') },
      ...channel.members.slice(0, 4).map((id) => renderAvatar(id, session.directory)),
      String(members.length),
    ),
  ];
}

function renderAppHeader(session: Session, shown: AppTab): readonly HTMLElement[] {
  const tabs = (['home', 'messages'] as const).map((tab) => {
    const button = element(
      'button',
      { type: 'button', role: 'tab', 'aria-selected': String(tab === shown), 'data-key': tab },
      TABS[tab],
    );
    button.addEventListener('click', () => {
      session.go({ kind: 'app', tab });
      if (tab === 'home') void session.act('home', {});
    });
    return button;
  });
  return [
    element('h1', {}, session.view.app.name),
    element('div', { class: 'tabs', role: 'tablist' }, ...tabs),
  ];
}
