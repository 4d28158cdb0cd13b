import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Place, Places } from '../../runbook/approvals/notices.ts';

/** The address of a message, or undefined where it has none any more. Never rejects. */
export type ReadPermalink = (place: Place | undefined) => Promise<string | undefined>;

/** More messages than anybody sees at once; the oldest addresses are asked for again. */
const mostKept = 500;

/** Keeps what was read once; what could not be read is not kept. */
function createMemory(): (
  key: string,
  read: () => Promise<string | undefined>,
) => Promise<string | undefined> {
  const kept = new Map<string, string>();
  return async (key, read) => {
    const value = kept.get(key) ?? (await read());
    if (value === undefined || kept.has(key)) return value;
    const [oldest] = kept.keys();
    if (kept.size >= mostKept && oldest !== undefined) kept.delete(oldest);
    kept.set(key, value);
    return value;
  };
}

/** Slack's addresses never change, so each is asked for once. */
export function createPermalinks(client: WebClient, log: Logger): ReadPermalink {
  const remember = createMemory();
  return async (place) => {
    if (place === undefined) return undefined;
    const { channel, ts } = place;
    const { getPermalink } = client.chat;
    try {
      return await remember(
        `${channel} ${ts}`,
        async () => (await getPermalink({ channel, message_ts: ts })).permalink,
      );
    } catch (err) {
      log.debug({ err }, 'A message has no address');
      return undefined;
    }
  };
}

/** Finds the address of a request's card, each once: the journal is not read for it with every check. Never rejects. */
export function createLinkTo(
  places: Pick<Places, 'readPlace'>,
  permalink: ReadPermalink,
  log: Logger,
): (request: string) => Promise<string | undefined> {
  const remember = createMemory();
  return async (request) => {
    try {
      return await remember(request, async () => permalink(await places.readPlace(request)));
    } catch (err) {
      log.warn({ err, request }, 'The place of a request’s card could not be read');
      return undefined;
    }
  };
}
