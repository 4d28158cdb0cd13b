import type { Receiver } from '@slack/bolt';

export type ConnectionState = 'closed' | 'opening' | 'open' | 'reopening';

/** How Slack's requests come in: over a socket dbconn opens, or over HTTP to a port of its own. */
export interface Connection {
  /** What Bolt is given. */
  readonly receiver: Receiver;
  readonly state: ConnectionState;
  /** The HTTP port in use, once open. */
  readonly port: number | undefined;
  /** Throws a SlackStartError. */
  open(): Promise<void>;
  /** Takes nothing in any more, and is finished when nothing is left open. */
  close(): Promise<void>;
}
