import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Acknowledgement, Delivery } from './delivery.ts';
import { SocketPool } from './socket-pool.ts';

const Reply = z.looseObject({
  envelope_id: z.string(),
  payload: z.record(z.string(), z.unknown()).optional(),
});

type Settle = (acknowledgement: Acknowledgement) => void;

function parseReply(text: string): z.infer<typeof Reply> | undefined {
  try {
    return Reply.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // Slack drops what is not JSON; the envelope then times out.
  }
}

/** Socket Mode: every envelope goes to exactly one connection and is acknowledged by its id. */
export function createSocketDelivery(ackTimeoutMs: number): Delivery & {
  readonly pool: SocketPool;
} {
  const waiting = new Map<string, Settle>();
  const pool = new SocketPool((text) => {
    const reply = parseReply(text);
    if (reply === undefined) return;
    waiting.get(reply.envelope_id)?.({ acked: true, body: reply.payload ?? {} });
  });

  return {
    pool,
    async deliver({ type, payload }) {
      const socket = pool.next();
      if (socket === undefined) return { acked: false, error: 'dispatch_failed' };
      const envelopeId = randomUUID();
      return new Promise((resolve) => {
        const timer = setTimeout(() => {
          settle({ acked: false, error: 'operation_timeout' });
        }, ackTimeoutMs);
        function settle(acknowledgement: Acknowledgement): void {
          clearTimeout(timer);
          waiting.delete(envelopeId);
          resolve(acknowledgement);
        }
        waiting.set(envelopeId, settle);
        const envelope = {
          envelope_id: envelopeId,
          type,
          payload,
          accepts_response_payload: type !== 'events_api',
          ...(type === 'events_api' && { retry_attempt: 0, retry_reason: '' }),
        };
        socket.send(JSON.stringify(envelope));
      });
    },
    close() {
      for (const settle of waiting.values()) settle({ acked: false, error: 'dispatch_failed' });
      pool.close();
    },
  };
}
