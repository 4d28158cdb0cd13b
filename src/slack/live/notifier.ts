import { WebClient } from '@slack/web-api';
import type { Announcements, LiveNotice } from '../../runbook/approvals/notices.ts';
import { noMeter } from '../../runbook/escalation/ports.ts';
import type { Meter } from '../../runbook/escalation/ports.ts';
import type { IncidentBoard } from '../../runbook/reports/incident-board.ts';
import { clientOptions } from '../connection/client.ts';
import { announcementMessage } from '../messages/notice.ts';
import { createIncidentBoard } from './incident-board.ts';
import type { IncidentBoardOptions } from './incident-board.ts';
import { createReadNames } from './names.ts';
import type { ReadNames } from './names.ts';
import { createOutbox } from './outbox.ts';
import { createLinkTo, createPermalinks } from './permalinks.ts';
import { createPostedMessages } from './posted-messages.ts';
import type { CardsOptions } from './request-card.ts';
import { createCards } from './request-cards.ts';
import type { Cards } from './request-cards.ts';
import { edit, isLost, keepFirst, post, postOnce } from './writer.ts';
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
  readonly readNames: ReadNames;
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
  const readNames = createReadNames(once);
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
    return { client: once, outbox: { ...outbox, hurry }, reading, postedMessages, readNames };
  };
  // A call for help does not queue behind a long list of targets, nor an incident.
  const [forCards, forAll, forIncidents] = [writer(), writer(), writer()];
  return {
    cards: createCards({ ...options, ...forCards }),
    announcements: createAnnouncements(forAll, now),
    notice: createLiveNotice(forAll),
    readNames,
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

/** What may have been sent before a crash was sent within this time: the messages of a day and more are not read. */
const searchBackMs = 6 * 3_600_000;

/** Posts into channels, and to people in the direct messages Slack opens for their id. Rejects as Slack does. */
function createAnnouncements(writer: SlackWriter, now: () => number): Announcements {
  return {
    async announce(announcement) {
      const { to, mention, thread, key, mayStand = false } = announcement;
      const since = new Date(now() - searchBackMs).toISOString();
      const isThere = async (): Promise<boolean> =>
        mayStand &&
        key !== undefined &&
        (await findFirst(writer, { to, since, key })) !== undefined;
      if (await isThere()) return;
      const message = announcementMessage(announcement);
      // Without anybody to call it is for all who read the channel, and pings none of them.
      const how = { ...(key !== undefined && { key }), notifies: mention !== null };
      try {
        // Into the thread and the channel: who was called must not have to look for it.
        const inThread = { thread: { channel: to, ts: thread ?? '' }, isBroadcast: true };
        await post(writer, message, {
          ...(thread === undefined ? { channel: to } : inThread),
          ...how,
        });
      } catch (error) {
        // Somebody deleted the message; the call goes out all the same.
        if (thread === undefined || !isLost(error)) throw error;
        await post(writer, message, { channel: to, ...how });
      }
      // Another process may have said it in the same moment.
      await isThere();
    },
  };
}

/** Undefined too where Slack does not let it be read: said twice is better than not at all. */
async function findFirst(
  writer: SlackWriter,
  { to, since, key }: { readonly to: string; readonly since: string; readonly key: string },
): Promise<string | undefined> {
  if (!/^[UW]/.test(to)) return (await keepFirst(writer, { channel: to, since }, key)) ?? undefined;
  const found = await writer.postedMessages.inDirect(to, since);
  return found?.find((one) => one.key === key)?.ts;
}

/** Rejects as Slack does. */
function createLiveNotice(writer: SlackWriter): LiveNotice {
  return {
    async show({ to: channel, headline, quote, key, since }, place) {
      const message = announcementMessage({ to: channel, mention: null, headline, quote });
      if (place?.channel === channel && (await edit(writer, message, place))) return place;
      const ts = await postOnce(writer, message, { channel, since, key });
      return { channel, ts };
    },
  };
}
