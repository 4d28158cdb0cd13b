import type { IncomingMessage, RequestListener } from 'node:http';
import type { Logger } from '@slack/bolt';
import { BodyBudget, readBody } from '../http/read-body.ts';
import { say, sendReply } from '../http/reply.ts';
import type { Reply } from '../http/reply.ts';
import { createTellSeldom } from '../http/tell-seldom.ts';
import type { SignedRequestLog, SignedRequest } from '../runbook/ports/heard-requests.ts';
import { verifySignature } from './verify-signature.ts';

interface IntakeOptions {
  readonly signingSecret: string;
  /** What was heard before; without it no request may decide anything. */
  readonly heard: SignedRequestLog | undefined;
  /** Takes what was let in: Bolt's own listener. */
  readonly handle: RequestListener;
  readonly log: Logger;
}

/** Where Slack's requests arrive. */
export const slackPath = '/slack/events';
/** Slack waits three seconds for an answer. Later the journal's word comes too late. */
const rememberWithinMs = 1500;

const unremembered = new WeakSet<IncomingMessage>();

/** For Bolt: what its listeners know of a request beside its body. */
export function propertiesOf(request: IncomingMessage): Readonly<Record<string, boolean>> {
  return { isUnremembered: unremembered.has(request) };
}

/** Whether a listener's request could be heard a second time. */
export function isUnremembered(context: Readonly<Record<string, unknown>>): boolean {
  return context['isUnremembered'] === true;
}

/**
 * Stands before Bolt's listener: bounded, verified, and each request once, so that somebody who captured one along the
 * way cannot vote with it. Never throws.
 */
export function createIntake(options: IntakeOptions): RequestListener {
  const { handle, log } = options;
  const tellSeldom = createTellSeldom({ now: () => Date.now() });
  const parts = { ...options, budget: new BodyBudget(), tellSeldom };
  return (request, response) => {
    void (async () => {
      try {
        const reply = refuseMisplaced(request) ?? (await take(parts, request));
        if (reply === 'admitted') handle(request, response);
        else sendReply(response, reply);
      } catch (error) {
        log.error('A request of Slack could not be taken', error);
        if (response.headersSent) response.destroy();
        else sendReply(response, say(500, 'It could not be answered. The log says why.'));
      }
    })();
  };
}

interface IntakeParts extends IntakeOptions {
  readonly budget: BodyBudget;
  readonly tellSeldom: ReturnType<typeof createTellSeldom>;
}

function refuseMisplaced({ url, method }: IncomingMessage): Reply | undefined {
  const [path] = (url ?? '').split('?', 1);
  if (path !== slackPath)
    return say(404, `There is nothing here. There is ${slackPath}.`, { close: true });
  if (method === 'POST') return undefined;
  return say(405, 'Only POST here.', { headers: { allow: 'POST' }, close: true });
}

async function take(
  { signingSecret, heard, log, budget, tellSeldom }: IntakeParts,
  request: IncomingMessage,
): Promise<Reply | 'admitted'> {
  const body = await readBody(request, budget);
  if (body.kind === 'busy') return say(503, 'Too many requests at a time.', { close: true });
  if (body.kind === 'too-large') return say(413, 'The body is too large.', { close: true });
  if (body.kind === 'broken-off') return say(408, 'The body broke off.', { close: true });
  const { headers } = request;
  const { text } = body;
  const signed = verifySignature({ headers, body: text, signingSecret, nowMs: Date.now() });
  // Slack's check of the certificate is not signed, and asks for nothing but an answer.
  if (signed === undefined && new URLSearchParams(text).get('ssl_check') === '1')
    return say(200, '');
  if (signed === undefined) {
    tellSeldom('unsigned', (keptBack) => {
      log.warn('A request that Slack did not sign just now was refused', { keptBack });
    });
    return say(401, 'Not with this signature.');
  }
  if (!(await isFirst(request, signed, { heard, log }))) {
    log.warn('A request of Slack arrived twice; the second was refused');
    return say(401, 'This was heard already.');
  }
  // Bolt takes a body that was read already, as some platforms hand it over.
  Object.assign(request, { rawBody: Buffer.from(text) });
  return 'admitted';
}

/** True, and marked, where it cannot be told. */
async function isFirst(
  request: IncomingMessage,
  signed: SignedRequest,
  { heard, log }: Pick<IntakeOptions, 'heard' | 'log'>,
): Promise<boolean> {
  if (heard === undefined) {
    unremembered.add(request);
    return true;
  }
  const { promise: late, reject } = Promise.withResolvers<never>();
  const tooLate = (): void => reject(new Error('The journal answers too slowly.'));
  const timer = setTimeout(tooLate, rememberWithinMs);
  try {
    return await Promise.race([heard.recordSigned(signed), late]);
  } catch (error) {
    log.warn('A request of Slack could not be remembered, so it decides nothing', error);
    unremembered.add(request);
    return true;
  } finally {
    clearTimeout(timer);
  }
}
