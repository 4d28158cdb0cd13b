import type { LiveNotice } from '../runbook/ports/live-notice.ts';
import { announcementMessage } from './messages/announcement.ts';
import { edit } from './post.ts';
import { postOnce } from './post-once.ts';
import type { ReadWriting } from './post-once.ts';

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
