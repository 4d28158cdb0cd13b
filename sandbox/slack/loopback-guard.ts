import type { IncomingMessage } from 'node:http';

const LOOPBACK = new Set(['127.0.0.1', 'localhost', '[::1]']);

/**
 * True for requests from this machine's own programs and pages. Listening on loopback alone does
 * not keep out a web page somewhere else: its scripts reach 127.0.0.1 through the browser, with a
 * foreign Origin, or through a name of theirs that resolves to it, with a foreign Host.
 */
export function isFromThisMachine({ headers, socket }: IncomingMessage): boolean {
  const host = headers.host ?? '';
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  // A container calls the address that Slack was told to listen on, and no name.
  if (!LOOPBACK.has(hostname) && hostname !== socket.localAddress) return false;
  return headers.origin === undefined || headers.origin === `http://${host}`;
}
