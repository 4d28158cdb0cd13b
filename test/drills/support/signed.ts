import { createHmac } from 'node:crypto';
import { identity } from '../../../sandbox/slack/identity.ts';
import { signingSecret } from '../../slack/support/workspace.ts';
import type { Bot } from './conversation.ts';
import { database } from './conversation.ts';

interface Signing {
  readonly secret?: string;
  /** Negative for one that was signed in the future. */
  readonly agedSeconds?: number;
}

/** The headers of a request as Slack signs it. */
export function sign(
  body: string,
  { secret = signingSecret, agedSeconds = 0 }: Signing = {},
): Headers {
  const at = String(Math.floor(Date.now() / 1000) - agedSeconds);
  const digest = createHmac('sha256', secret).update(`v0:${at}:${body}`).digest('hex');
  return new Headers({
    'x-slack-request-timestamp': at,
    'x-slack-signature': `v0=${digest}`,
    'content-type': 'application/x-www-form-urlencoded',
  });
}

/** `/dbconn …`, typed in #database, as Slack sends it. */
export function typed(user: string, text: string): string {
  return new URLSearchParams({
    command: '/dbconn',
    text,
    user_id: user,
    team_id: identity.teamId,
    channel_id: database,
    trigger_id: '1.1.trigger',
    response_url: 'http://127.0.0.1:9/nobody-listens',
  }).toString();
}

export function send(
  { slack }: Pick<Bot, 'slack'>,
  body: string,
  headers: Headers,
): Promise<Response> {
  return fetch(`http://127.0.0.1:${slack.state.port ?? 0}/slack/events`, {
    method: 'POST',
    headers,
    body,
  });
}
