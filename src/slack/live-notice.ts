import type { LiveNotice } from '../runbook/ports/live-notice.ts';
import { announcementMessage } from './messages/announcement.ts';
import { edit, post } from './post.ts';
import type { Writing } from './post.ts';

/** Rejects as Slack does. */
export function createLiveNotice(writing: Writing): LiveNotice {
  return {
    async show({ to, headline, quote }, place) {
      const message = announcementMessage({ to, mention: null, headline, quote });
      if (place?.channel === to && (await edit(writing, message, place))) return place;
      return { channel: to, ts: await post(writing, message, { channel: to }) };
    },
  };
}
