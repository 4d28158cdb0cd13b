import type { RequestListener } from 'node:http';
import type { Logger } from '@slack/bolt';

/** Bolt refuses what was signed longer ago than 5 minutes; until then a signature must not count twice. */
const rememberedMs = 6 * 60_000;

/**
 * Puts a guard before Bolt's own: a request that was taken once is answered 401 the second time, so that whoever
 * read one along the way cannot give a vote with it. Only what Bolt found well signed is remembered; the rest
 * cannot fill the memory.
 */
export function refuseReplays(
  handle: RequestListener,
  log: Logger,
  now: () => number = Date.now,
): RequestListener {
  const taken = new Map<string, number>();
  const underWay = new Set<string>();
  return (request, response) => {
    const { 'x-slack-signature': signature } = request.headers;
    if (typeof signature !== 'string') {
      handle(request, response);
      return;
    }
    forget(taken, now() - rememberedMs);
    if (taken.has(signature) || underWay.has(signature)) {
      log.warn('A request of Slack arrived twice; the second was refused');
      response.writeHead(401).end();
      return;
    }
    underWay.add(signature);
    response.once('close', () => {
      underWay.delete(signature);
      if (response.statusCode !== 401) taken.set(signature, now());
    });
    handle(request, response);
  };
}

/** The oldest come first. */
function forget(taken: Map<string, number>, before: number): void {
  for (const [signature, at] of taken) {
    if (at >= before) return;
    taken.delete(signature);
  }
}
