import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below the ports that outgoing connections take: one of those would be gone before the engine binds it, or when a
 * server that restarts wants it back.
 */
const [lowest, highest] = [10_000, 32_000];

/** A port of this machine that nobody listens on. */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false; // taken; the caller tries another
  }
  server.close();
  await once(server, 'close');
  return true;
}
