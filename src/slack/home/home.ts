import type { App } from '@slack/bolt';
import type { HomeView } from '@slack/types';
import { WebAPIPlatformError } from '@slack/web-api';
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Actor } from '../../runbook/approvals/request.ts';
import type { Clock } from '../../timing.ts';
import { createPermalinks } from '../live/permalinks.ts';
import { homeActions } from '../messages/kit/action-ids.ts';
import { toActor } from '../people.ts';
import { readHome } from './home-facts.ts';
import type { HomeSources } from './home-facts.ts';
import { homeView } from './home-view.ts';

/** One person's Home tab. Its methods never reject. */
interface Tab {
  readonly openedAtMs: number;
  /** Its person opened it: it is sent, even if it is as it was, because Slack may have lost it. */
  open(): Promise<void>;
  /** Sends it if it has changed. */
  renew(): Promise<void>;
  /** Settles when nothing is under way. */
  settled(): Promise<void>;
}

interface TabParts {
  readonly draw: () => Promise<HomeView>;
  readonly send: (view: HomeView) => Promise<void>;
  readonly onFault: (error: unknown) => void;
  readonly clock: Pick<Clock, 'now'>;
}

/** Going to and fro between two tabs tells dbconn every time; what was sent just now Slack still has. */
const keptForMs = 2000;

/** Draws and sends one after the other: an older tab must not replace a newer one. */
function createTab({ clock, draw, onFault, send }: TabParts): Tab {
  let openedAtMs = clock.now();
  let shown: { readonly text: string; readonly atMs: number } | undefined;
  let turn = Promise.resolve();
  let isWaiting = false;

  async function show(): Promise<void> {
    isWaiting = false;
    try {
      const view = await draw();
      const text = JSON.stringify(view);
      const isKept = shown !== undefined && openedAtMs - shown.atMs <= keptForMs;
      if (isKept && text === shown?.text) return;
      const atMs = clock.now();
      await send(view);
      shown = { text, atMs };
    } catch (error) {
      onFault(error);
    }
  }

  // A caller who asks before its turn has come is answered by the same one.
  function queue(): Promise<void> {
    if (!isWaiting) turn = turn.then(show);
    isWaiting = true;
    return turn;
  }

  return {
    get openedAtMs() {
      return openedAtMs;
    },
    open() {
      openedAtMs = clock.now();
      return queue();
    },
    renew: queue,
    settled: () => turn,
  };
}

interface HomeOptions {
  readonly sources: HomeSources;
  readonly client: WebClient;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The Home tabs of those who look at them. */
export interface Home {
  /** Somebody opened theirs: it is published now, and again while it changes. Never rejects. */
  opened(actor: Actor): Promise<void>;
  /** Ends the renewing and waits for what is under way. */
  close(): Promise<void>;
}

/** Often enough to follow a night, seldom enough for many to follow it: Slack takes 100 of these calls a minute. */
const roundMs = 30_000;
/** Slack does not say when somebody closes the tab. */
const watchesForMs = 10 * 60_000;
/** Twice a minute each, and as many again for who opens theirs. The person who came first is no longer renewed. */
const mostTabs = 20;

/** Does nothing until somebody comes. */
export function createHome({ sources, client, clock, log }: HomeOptions): Home {
  const readPermalink = createPermalinks(client, log);
  const tabs = new Map<string, Tab>();
  const closing = new AbortController();
  let isRenewing = false;

  function makeTab(actor: Actor): Tab {
    const tab = createTab({
      clock,
      draw: async () => homeView(await readHome(sources, { actor, clock, readPermalink })),
      async send(view) {
        if (!closing.signal.aborted) await client.views.publish({ user_id: actor.id, view });
      },
      onFault(err) {
        log.warn({ err, user: actor.id }, 'A Home tab could not be published');
        // What Slack refuses now it refuses in half a minute; who opens the tab again is tried again.
        const isRefused = err instanceof WebAPIPlatformError;
        if (isRefused && tabs.get(actor.id) === tab) tabs.delete(actor.id);
      },
    });
    return tab;
  }

  async function renew(): Promise<void> {
    if (isRenewing) return;
    isRenewing = true;
    while (tabs.size > 0 && !closing.signal.aborted) {
      await clock.sleep(roundMs, closing.signal).catch(() => undefined);
      for (const [id, { openedAtMs }] of tabs) {
        if (clock.now() - openedAtMs > watchesForMs) tabs.delete(id);
      }
      if (!closing.signal.aborted) await Promise.all([...tabs.values()].map((tab) => tab.renew()));
    }
    isRenewing = false;
  }

  return {
    async opened(actor) {
      if (closing.signal.aborted) return;
      const tab = tabs.get(actor.id) ?? makeTab(actor);
      tabs.delete(actor.id);
      tabs.set(actor.id, tab);
      const [first] = tabs.keys();
      if (tabs.size > mostTabs && first !== undefined) tabs.delete(first);
      void renew();
      await tab.open();
    },
    async close() {
      closing.abort();
      await Promise.all([...tabs.values()].map((tab) => tab.settled()));
    },
  };
}

/** Slack tells when a person opens the app; its Messages tab tells the same and needs nothing. */
export function registerHome(app: App, home: Home): void {
  app.event('app_home_opened', async ({ event }) => {
    if (event.tab === 'home') await home.opened(toActor(event.user, undefined));
  });
  // Slack follows the address of such a button by itself, and still wants to hear that the press arrived.
  for (const id of homeActions) app.action(id, async ({ ack }) => ack());
}
