import { WebAPIPlatformError, WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Actor } from '../../runbook/approval/actor.ts';
import type { Clock } from '../../runbook/snapshot/ports.ts';
import { noMeter } from '../../runbook/escalation/meter.ts';
import type { Meter } from '../../runbook/escalation/meter.ts';
import { clientOptions } from '../client-options.ts';
import { readHome } from './home-facts.ts';
import type { HomeSources } from './home-facts.ts';
import { homeView } from './home-view.ts';
import { createPermalinks } from './permalinks.ts';
import { createTab } from './tab.ts';
import type { Tab } from './tab.ts';

interface HomeOptions {
  readonly sources: HomeSources;
  readonly botToken: string;
  readonly apiUrl?: string;
  readonly meter?: Pick<Meter, 'slackCall'>;
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
/** Twice a minute each, and as many again for who opens theirs. Whoever came first is no longer renewed. */
const mostTabs = 20;

/** On a client of its own: a limit on these calls holds back no message. Does nothing until somebody comes. */
export function createHome({
  sources,
  botToken,
  apiUrl,
  clock,
  log,
  meter = noMeter,
}: HomeOptions): Home {
  const client = new WebClient(
    botToken,
    clientOptions({ log, meter, ...(apiUrl !== undefined && { apiUrl }) }),
  );
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
