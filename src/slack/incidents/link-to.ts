import type { Logger } from 'pino';
import type { Places } from '../../runbook/snapshot/ports.ts';
import type { ReadPermalink } from '../home/permalinks.ts';

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
