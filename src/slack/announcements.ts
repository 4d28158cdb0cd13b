import type { WebClient } from '@slack/web-api';
import type { Announcements } from '../runbook/ports.ts';
import { announcementMessage } from './messages/announcement.ts';
import type { Outbox } from './outbox.ts';

/** Posts into channels, and to people in the direct messages Slack opens for their id. Rejects as Slack does. */
export function createAnnouncements(client: WebClient, outbox: Outbox): Announcements {
  const { postMessage } = client.chat;
  return {
    async announce(announcement) {
      const { text, blocks } = announcementMessage(announcement);
      const content = { channel: announcement.to, text, blocks: [...blocks] };
      await outbox.send(() =>
        postMessage({ ...content, unfurl_links: false, unfurl_media: false }),
      );
    },
  };
}
