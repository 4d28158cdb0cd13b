import { RespondError } from '@slack/bolt';
import type { RespondFn } from '@slack/bolt';
import type { ModalView } from '@slack/types';
import { WebAPIPlatformError } from '@slack/web-api';
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import { fallbacksOf, isAboutBlocks, remember } from '../messages/kit/fallbacks.ts';
import type { KnownDialect } from '../messages/kit/fallbacks.ts';
import type { Message } from '../messages/kit/message.ts';

/** Where an answer goes. */
export interface Asker {
  readonly channel: string;
  readonly user: string;
  readonly respond: RespondFn;
}

export type Audience = 'everyone' | 'caller';

/** Delivers an answer, or throws an AnswerError. */
export type Answer = (asker: Asker, audience: Audience, message: Message) => Promise<void>;

/** Slack took the answer in no form and by neither way. */
class AnswerError extends Error {
  constructor(reasons: readonly string[]) {
    super(`Slack took the answer by no way: ${[...new Set(reasons)].join('; ')}`);
    this.name = 'AnswerError';
  }
}

type Outcome =
  | { readonly kind: 'sent' }
  /** The blocks were refused, or may have been: plainer words may do. */
  | { readonly kind: 'refused'; readonly reason: string; readonly certain: boolean }
  /** This way is closed, whatever is said. */
  | { readonly kind: 'closed'; readonly reason: string };

type Route = (asker: Asker, audience: Audience, message: Message) => Promise<Outcome>;

/**
 * Answers by the response URL, which works in every conversation, and by the Web API where that fails.
 * The response URL does not say which block it dislikes, so the Web API is asked with the same blocks
 * before plainer ones are tried. What a workspace refuses is remembered for the life of the process.
 * An answer that timed out may arrive twice: that is harmless, and none at all is not.
 */
export function createAnswer(client: WebClient, log: Logger): Answer {
  const known: KnownDialect = { richest: 'full' };
  return async (asker, audience, message) => {
    const routes = new Set<Route>([byResponseUrl, byWebApi(client)]);
    const reasons: string[] = [];
    let blocksRefused = false;
    for (const { dialect, message: variant } of fallbacksOf(message, known.richest)) {
      for (const route of routes) {
        const outcome = await route(asker, audience, variant);
        if (outcome.kind === 'sent') {
          if (blocksRefused) remember(known, dialect);
          return;
        }
        reasons.push(outcome.reason);
        if (outcome.kind === 'closed') {
          routes.delete(route);
          continue;
        }
        blocksRefused = true;
        log.warn({ dialect, reason: outcome.reason }, 'Slack refuses a message, saying it plainer');
        if (outcome.certain) break;
      }
    }
    throw new AnswerError(reasons);
  };
}

async function byResponseUrl(
  { respond }: Asker,
  audience: Audience,
  { text, blocks }: Message,
): Promise<Outcome> {
  try {
    const response = await respond({
      response_type: audience === 'everyone' ? 'in_channel' : 'ephemeral',
      replace_original: false,
      text,
      ...(blocks.length > 0 && { blocks: [...blocks] }),
    });
    const body = (await response.text()).slice(0, 500);
    // Slack has been seen to answer 200 with an error in the body.
    if (!/"ok":\s*false/.test(body)) return { kind: 'sent' };
    return body.includes('invalid_blocks')
      ? { kind: 'refused', reason: 'invalid_blocks', certain: true }
      : { kind: 'closed', reason: 'the response URL was refused' };
  } catch (error) {
    return ofRespondError(error);
  }
}

function ofRespondError(error: unknown): Outcome {
  if (!(error instanceof RespondError)) {
    return { kind: 'closed', reason: 'the response URL could not be reached' };
  }
  const reason = `the response URL answered HTTP ${error.statusCode}`;
  // 404 and 410: used up or older than 30 minutes. A 400 may be about the blocks, or about the URL.
  return error.statusCode === 400
    ? { kind: 'refused', reason, certain: false }
    : { kind: 'closed', reason };
}

function byWebApi(client: WebClient): Route {
  const { postEphemeral, postMessage } = client.chat;
  return async ({ channel, user }, audience, { text, blocks }) => {
    const content = { channel, text, ...(blocks.length > 0 && { blocks: [...blocks] }) };
    try {
      await (audience === 'caller'
        ? postEphemeral({ ...content, user })
        : postMessage({ ...content, unfurl_links: false, unfurl_media: false }));
      return { kind: 'sent' };
    } catch (error) {
      return ofApiError(error);
    }
  };
}

function ofApiError(error: unknown): Outcome {
  if (!(error instanceof WebAPIPlatformError)) {
    return { kind: 'closed', reason: error instanceof Error ? error.name : 'unknown error' };
  }
  const { error: code, response_metadata: metadata } = error.data;
  if (!isAboutBlocks(error)) return { kind: 'closed', reason: code };
  const details = metadata?.messages?.slice(0, 5).join(' ') ?? '';
  return { kind: 'refused', reason: `${code} ${details}`.trim(), certain: true };
}

/** Dialogs in front of one person. */
export interface Modals {
  /** Opens one within the 3 s that a press allows. Undefined when it is open, or Slack's word for why it is not. */
  open(triggerId: string, view: ModalView): Promise<string | undefined>;
  /** Shows something else in an open dialog; false where the person has closed it, or Slack took it not. */
  update(viewId: string, view: ModalView): Promise<boolean>;
}

export function createModals(client: WebClient, log: Logger): Modals {
  const { open, update } = client.views;
  return {
    async open(triggerId, view) {
      try {
        await open({ trigger_id: triggerId, view });
        return undefined;
      } catch (err) {
        log.warn({ err, dialog: view.callback_id }, 'A dialog could not be opened');
        return err instanceof WebAPIPlatformError ? err.data.error : 'no answer';
      }
    },
    async update(viewId, view) {
      try {
        await update({ view_id: viewId, view });
        return true;
      } catch (err) {
        log.info({ err }, 'A dialog was closed before its answer');
        return false;
      }
    },
  };
}
