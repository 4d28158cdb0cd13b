import type { Announcements, LiveNotice } from '../../runbook/approvals/notices.ts';
import { announcementMessage } from '../messages/notice.ts';
import { keyed } from './posted-messages.ts';
import { edit, isLost, keepFirst, postOnce } from './writer.ts';
import type { ReadWriting, SlackWriter } from './writer.ts';

interface AnnouncementsOptions {
  readonly writer: SlackWriter;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What may have been sent before a crash was sent within this time: the messages of a day and more are not read. */
const searchBackMs = 6 * 3_600_000;

/** Posts into channels, and to people in the direct messages Slack opens for their id. Rejects as Slack does. */
export function createAnnouncements({ writer, now }: AnnouncementsOptions): Announcements {
  const { postMessage } = writer.client.chat;
  return {
    async announce(announcement) {
      const { to, thread, key, mayStand = false } = announcement;
      const since = new Date(now() - searchBackMs).toISOString();
      const stands = async (): Promise<boolean> =>
        mayStand &&
        key !== undefined &&
        (await findFirst(writer, { to, since, key })) !== undefined;
      if (await stands()) return;
      const { text, blocks } = announcementMessage(announcement);
      // Into the thread and the channel: who was called must not have to look for it.
      const inThread = thread === undefined ? {} : { thread_ts: thread, reply_broadcast: true };
      const content = {
        channel: to,
        text,
        blocks: [...blocks],
        ...(key !== undefined && keyed(key)),
      };
      const send = (where: typeof inThread): Promise<unknown> =>
        writer.outbox.send(
          () => postMessage({ ...content, ...where, unfurl_links: false, unfurl_media: false }),
          // With a key whoever announces finds out whether it went; without one twice is better than not at all.
          key === undefined ? 'repeatable' : undefined,
        );
      try {
        await send(inThread);
      } catch (error) {
        // Somebody deleted the message; the call goes out all the same.
        if (thread === undefined || !isLost(error)) throw error;
        await send({});
      }
      // Another process may have said it in the same moment.
      await stands();
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
export function createLiveNotice(writer: ReadWriting): LiveNotice {
  return {
    async show({ to: channel, headline, quote, key, since }, place) {
      const message = announcementMessage({ to: channel, mention: null, headline, quote });
      if (place?.channel === channel && (await edit(writer, message, place))) return place;
      const ts = await postOnce(writer, message, { channel, since, key });
      return { channel, ts };
    },
  };
}
