import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Place, Places } from '../../runbook/approvals/notices.ts';

/** The address of a message, or undefined where it has none any more. Never rejects. */
export type ReadPermalink = (place: Place | undefined) => Promise<string | undefined>;

/** More messages than anybody sees on a Home tab; the oldest addresses are asked for again. */
const mostPermalinks = 500;

/** Slack's addresses never change, so each is asked for once; a failure is not kept. */
export function createPermalinks(client: WebClient, log: Logger): ReadPermalink {
  const kept = new Map<string, string>();
  return async (place) => {
    if (place === undefined) return undefined;
    const key = `${place.channel} ${place.ts}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    try {
      const { getPermalink } = client.chat;
      const { permalink } = await getPermalink({ channel: place.channel, message_ts: place.ts });
      if (permalink === undefined) return undefined;
      const [oldest] = kept.keys();
      if (kept.size >= mostPermalinks && oldest !== undefined) kept.delete(oldest);
      kept.set(key, permalink);
      return permalink;
    } catch (err) {
      log.debug({ err }, 'A message has no address');
      return undefined;
    }
  };
}

/** More than anybody sees at once; the oldest are asked for again. */
const mostLinks = 500;

/** Finds the address of a request's card, each once: the journal is not read for it with every look. Never rejects. */
export function createLinkTo(
  places: Pick<Places, 'readPlace'>,
  permalink: ReadPermalink,
  log: Logger,
): (request: string) => Promise<string | undefined> {
  const kept = new Map<string, string>();
  return async (request) => {
    const known = kept.get(request);
    if (known !== undefined) return known;
    try {
      const url = await permalink(await places.readPlace(request));
      const [oldest] = kept.keys();
      if (kept.size >= mostLinks && oldest !== undefined) kept.delete(oldest);
      if (url !== undefined) kept.set(request, url);
      return url;
    } catch (err) {
      log.warn({ err, request }, 'Where a request’s card stands could not be read');
      return undefined;
    }
  };
}
