import type { IncomingMessage } from 'node:http';

/** A group of a thousand alerts is under a megabyte; nothing larger is a webhook of ours. */
export const largestBodyBytes = 1024 * 1024;

/** What all requests together may hold in memory: a burst of small ones fits, a burst of the largest waits. */
export class BodyBudget {
  readonly #totalBytes: number;
  #heldBytes = 0;

  constructor(totalBytes = 16 * largestBodyBytes) {
    this.#totalBytes = totalBytes;
  }

  /** False, and nothing is taken, where it does not fit any more. */
  take(bytes: number): boolean {
    if (this.#heldBytes + bytes > this.#totalBytes) return false;
    this.#heldBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}

type Body =
  | { readonly kind: 'read'; readonly text: string }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'broken-off' };

/** Reads a request's body, and stops at the first byte too many, whatever its Content-Length says. */
export async function readBody(request: IncomingMessage, budget: BodyBudget): Promise<Body> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > largestBodyBytes) return { kind: 'too-large' };
  const { promise, resolve } = Promise.withResolvers<Body>();
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer): void => {
    if (bytes + chunk.length > largestBodyBytes) return resolve({ kind: 'too-large' });
    if (!budget.take(chunk.length)) return resolve({ kind: 'busy' });
    bytes += chunk.length;
    chunks.push(chunk);
    return undefined;
  };
  const onEnd = (): void => resolve({ kind: 'read', text: Buffer.concat(chunks).toString('utf8') });
  const onBroken = (): void => resolve({ kind: 'broken-off' });
  request.on('data', onData).once('end', onEnd).once('error', onBroken).once('close', onBroken);
  const body = await promise;
  request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken);
  // A refused request lives on until its client stops sending; what was read of it must not.
  chunks.length = 0;
  budget.giveBack(bytes);
  return body;
}
