import { WebClient } from '@slack/web-api';
import type { Announcements, LiveNotice } from '../../runbook/approvals/notices.ts';
import { noMeter } from '../../runbook/escalation/ports.ts';
import type { Meter } from '../../runbook/escalation/ports.ts';
import type { IncidentBoard } from '../../runbook/reports/incident-board.ts';
import { clientOptions } from '../connection/client.ts';
import { createAnnouncements, createLiveNotice } from './announcements.ts';
import { createIncidentBoard } from './incident-board.ts';
import type { IncidentBoardOptions } from './incident-board.ts';
import { createOutbox } from './outbox.ts';
import { createLinkTo, createPermalinks } from './permalinks.ts';
import { createPostedMessages } from './posted-messages.ts';
import type { CardsOptions } from './request-card.ts';
import { createCards } from './request-cards.ts';
import type { Cards } from './request-cards.ts';
import type { SlackWriter } from './writer.ts';

interface NotifierOptions extends Pick<
  CardsOptions,
  'places' | 'channel' | 'readHead' | 'readSteps' | 'readRequest' | 'readCircumstances' | 'log'
> {
  readonly botToken: string;
  readonly apiUrl?: string;
  /** Between two messages; Slack takes one a second in a channel. */
  readonly sendIntervalMs?: number;
  readonly meter?: Pick<Meter, 'slackCall'>;
  /** Milliseconds since the epoch; the system's clock unless given. */
  readonly now?: () => number;
}

export interface Notifier {
  readonly cards: Cards;
  readonly announcements: Announcements;
  readonly notice: LiveNotice;
  /** Where incidents are shown. Once: each has a single message. */
  openBoard(options: IncidentBoardOptions): IncidentBoard;
}

const slackSendIntervalMs = 1000;

/** What dbconn posts by itself. On a client of its own: a limit on it must not hold back an answer to a person. */
export function createNotifier({
  botToken,
  apiUrl,
  sendIntervalMs = slackSendIntervalMs,
  now = Date.now,
  meter = noMeter,
  ...options
}: NotifierOptions): Notifier {
  const { log } = options;
  const usual = clientOptions({ log, meter, ...(apiUrl !== undefined && { apiUrl }) });
  // What bears a key is looked for before it is said again; a client that tries again by itself says it twice.
  const once = new WebClient(botToken, { ...usual, retryConfig: { retries: 0 } });
  const writer = (): SlackWriter => {
    // What is read is no message, and nobody should wait a second for it before the first word of an incident.
    const [outbox, reading] = [
      createOutbox({ sendIntervalMs, log }),
      createOutbox({ sendIntervalMs: 0, log }),
    ];
    const hurry = (): void => {
      outbox.hurry();
      reading.hurry();
    };
    const postedMessages = createPostedMessages({ client: once, outbox: reading, log });
    return { client: once, outbox: { ...outbox, hurry }, reading, postedMessages };
  };
  // A call for help does not queue behind a long list of targets, nor an incident.
  const [forCards, forAll, forIncidents] = [writer(), writer(), writer()];
  return {
    cards: createCards({ ...options, ...forCards }),
    announcements: createAnnouncements({ writer: forAll, now }),
    notice: createLiveNotice(forAll),
    openBoard: (board) =>
      createIncidentBoard({
        ...board,
        writer: forIncidents,
        channel: options.channel,
        linkTo: createLinkTo(options.places, createPermalinks(once, log), log),
        logger: log,
      }),
  };
}
