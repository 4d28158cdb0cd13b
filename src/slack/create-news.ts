import { WebClient } from '@slack/web-api';
import type { Announcements } from '../runbook/ports.ts';
import { createAnnouncements } from './announcements.ts';
import { createCards } from './cards/cards.ts';
import type { Cards, CardsOptions } from './cards/cards.ts';
import { clientOptions } from './client-options.ts';
import { createOutbox } from './outbox.ts';

export interface NewsOptions extends Pick<
  CardsOptions,
  'places' | 'channel' | 'readHead' | 'readSteps' | 'log'
> {
  readonly botToken: string;
  readonly apiUrl?: string;
  /** Between two messages; Slack takes one a second in a channel. */
  readonly paceMs?: number;
}

export interface News {
  readonly cards: Cards;
  readonly announcements: Announcements;
}

const slackPaceMs = 1000;

/** What dbconn posts by itself. On a client of its own: a limit on it must not hold back an answer to a person. */
export function createNews({
  botToken,
  apiUrl,
  paceMs = slackPaceMs,
  ...options
}: NewsOptions): News {
  const { log } = options;
  const client = new WebClient(
    botToken,
    clientOptions({ log, ...(apiUrl !== undefined && { apiUrl }) }),
  );
  // A call for help does not queue behind a long list of targets.
  const [forCards, forAll] = [createOutbox({ paceMs, log }), createOutbox({ paceMs, log })];
  return {
    cards: createCards({ ...options, client, outbox: forCards }),
    announcements: createAnnouncements(client, forAll),
  };
}
