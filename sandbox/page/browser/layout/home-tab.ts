import { renderBlocks } from '../blocks/render-blocks.ts';
import { element } from '../dom.ts';
import { makeViewFields, type ViewFields } from './view-fields.ts';
import type { Session } from '../session.ts';

/** The app's Home tab. */
interface HomeTab {
  show(session: Session): void;
}

/** Builds the Home tab into its element. */
export function makeHomeTab(tab: HTMLElement): HomeTab {
  let shown: { readonly key: string; readonly fields: ViewFields | undefined } | undefined;
  return {
    show(session) {
      const { place, view } = session;
      tab.hidden = place.kind !== 'app' || place.tab !== 'home';
      const { home } = view;
      const key = `${view.me} ${home?.id ?? ''} ${home?.hash ?? ''}`;
      if (tab.hidden || shown?.key === key) return;
      if (home === null) {
        shown = { key, fields: undefined };
        tab.replaceChildren(
          element('p', { class: 'empty' }, `${view.app.name} has not published a Home tab yet.`),
        );
        return;
      }
      const fields = makeViewFields(session, home, shown?.fields);
      shown = { key, fields };
      tab.replaceChildren(renderBlocks(home.blocks, fields.drawing));
    },
  };
}
