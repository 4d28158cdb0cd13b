import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { App, ReceiverEvent } from '@slack/bolt';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { SignedRequest } from '../../runbook/approvals/journal.ts';
import { createTellSeldom } from '../../timing.ts';

/** Slack documentation, "Verifying requests from Slack": what is older may have been captured. */
const freshForSeconds = 300;

interface Verifying {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly signingSecret: string;
  readonly nowMs: number;
}

/**
 * The request, or undefined unless Slack signed it within five minutes of now. Signature and time stamp have exactly
 * Slack's form: one that means the same in other letters would be another request to the log that remembers it.
 */
export function verifySignature({
  headers,
  body,
  signingSecret,
  nowMs,
}: Verifying): SignedRequest | undefined {
  const timestamp = String(headers['x-slack-request-timestamp']);
  const signature = String(headers['x-slack-signature']);
  if (!/^[1-9]\d{9}$/.test(timestamp) || !/^v0=[0-9a-f]{64}$/.test(signature)) return undefined;
  const signedAt = Number(timestamp);
  if (Math.abs(nowMs / 1000 - signedAt) > freshForSeconds) return undefined;
  const expected = createHmac('sha256', signingSecret).update(`v0:${timestamp}:${body}`).digest();
  if (!timingSafeEqual(expected, Buffer.from(signature.slice(3), 'hex'))) return undefined;
  return { hash: createHash('sha256').update(`${timestamp}:${body}`).digest('hex'), signedAt };
}

/** Of a person, channel or workspace; Bolt looks things up by it. */
const SlackId = z.string().regex(/^[A-Z][A-Z0-9]{1,40}$/);
const Named = z.looseObject({ id: SlackId });
const Person = z.looseObject({ id: SlackId, team_id: SlackId.nullish() });
const Id = z.string().min(1).max(300);
const Choice = z.looseObject({ value: z.string() });
const action = { action_id: Id, block_id: Id };
const Action = z.discriminatedUnion('type', [
  z.looseObject({ ...action, type: z.literal('button'), value: z.string().nullish() }),
  z.looseObject({ ...action, type: z.literal('overflow'), selected_option: Choice }),
  z.looseObject({ ...action, type: z.literal('checkboxes'), selected_options: z.array(Choice) }),
]);
const where = { team: Named.nullish(), enterprise: Named.nullish() };

/** What dbconn and Bolt read of the four kinds of calls that dbconn answers (Slack documentation, "Interactivity"). */
const KnownPayload = z.union([
  z.looseObject({
    ...where,
    type: z.literal('block_actions'),
    user: Person,
    channel: Named.optional(),
    container: z.looseObject({}).optional(),
    message: z.looseObject({ ts: Id }).optional(),
    view: Named.optional(),
    trigger_id: Id,
    response_url: z.url().optional(),
    actions: z.array(Action).min(1),
  }),
  z.looseObject({
    ...where,
    type: z.literal('view_submission'),
    user: Person,
    view: z.looseObject({
      id: Id,
      callback_id: Id,
      private_metadata: z.string(),
      state: z.looseObject({ values: z.unknown() }),
    }),
    response_urls: z.array(z.unknown()).optional(),
  }),
  z.looseObject({
    command: z.string().startsWith('/'),
    text: z.string(),
    user_id: SlackId,
    team_id: SlackId.nullish(),
    channel_id: SlackId,
    response_url: z.url().optional(),
  }),
  z.looseObject({
    type: z.literal('event_callback'),
    team_id: SlackId.nullish(),
    event: z.looseObject({ type: z.literal('app_home_opened'), user: SlackId, tab: z.string() }),
    authorizations: z.array(z.looseObject({})).optional(),
  }),
]);

/**
 * Lets Bolt see only the calls that dbconn answers, in the shape that its listeners rely on, whichever way they came.
 * Slack sends no others, and much of what would read one throws. The rest is acknowledged, and does nothing.
 */
export function ignoreMalformed(app: App, log: Logger): void {
  const process = app.processEvent.bind(app);
  const tellSeldom = createTellSeldom({ now: () => Date.now() });
  app.processEvent = async (event: ReceiverEvent) => {
    if (KnownPayload.safeParse(event.body).success) return process(event);
    tellSeldom('malformed', (keptBack) => {
      log.warn({ keptBack }, 'A call of Slack was none that dbconn answers, and was ignored');
    });
    return event.ack();
  };
}
