import { z } from 'zod';
import {
  createMessage,
  postEphemeral,
  postMessage,
  replaceEphemeral,
  replaceMessage,
  reviseMessage,
} from './messages.ts';
import type { MessageContent } from './messages.ts';
import type { ResponseGrant } from './response-urls.ts';
import { toRuleMessage } from './rule-messages.ts';
import { SlackRefusal } from './slack-refusal.ts';
import type { Channel, Workspace } from './workspace.ts';

const flag = z.union([z.boolean(), z.stringbool()]).optional();

/** The body of an acknowledgement or of a POST to a response_url. */
const Answer = z.strictObject({
  text: z.string().optional(),
  blocks: z.unknown().optional(),
  response_type: z.enum(['ephemeral', 'in_channel']).optional(),
  replace_original: flag,
  delete_original: flag,
  thread_ts: z.string().optional(),
  metadata: z.unknown().optional(),
  unfurl_links: flag,
  unfurl_media: flag,
  mrkdwn: flag,
});
type Answer = z.infer<typeof Answer>;

function findChannel(workspace: Workspace, id: string): Channel {
  const channel = workspace.channels.get(id);
  if (channel === undefined) throw new SlackRefusal('channel_not_found', { status: 404 });
  return channel;
}

/** Changes the message the button was on; it stays as visible as it was. */
function changeOriginal(workspace: Workspace, grant: ResponseGrant, answer: Answer): void {
  const { origin } = grant;
  if (origin === undefined) throw new SlackRefusal('message_not_found', { status: 404 });
  const channel = findChannel(workspace, grant.channel);
  const message = origin.isEphemeral
    ? workspace.ephemerals.find((one) => one.message.ts === origin.ts)?.message
    : channel.messages.find((one) => one.ts === origin.ts);
  if (message === undefined) throw new SlackRefusal('message_not_found', { status: 404 });
  const revised =
    answer.delete_original === true ? undefined : reviseMessage(workspace, message, answer);
  if (origin.isEphemeral) replaceEphemeral(workspace, origin.ts, revised);
  else {
    const { ts } = origin;
    replaceMessage(workspace, channel, revised === undefined ? { ts } : { ts, message: revised });
  }
}

function postNew(workspace: Workspace, grant: ResponseGrant, answer: Answer): void {
  const thread_ts = answer.thread_ts ?? grant.threadTs;
  const content: MessageContent = { text: answer.text, blocks: answer.blocks, thread_ts };
  const message = createMessage(workspace, content);
  if (answer.response_type !== 'in_channel') {
    postEphemeral(workspace, { channel: grant.channel, user: grant.user }, message);
    return;
  }
  const channel = findChannel(workspace, grant.channel);
  if (grant.command !== undefined && grant.isCommandShown !== true) {
    grant.isCommandShown = true;
    postMessage(workspace, channel, createMessage(workspace, { text: grant.command }, grant.user));
    // Made again so that the answer's timestamp follows the command's.
    postMessage(workspace, channel, { ...message, ts: workspace.nextTs() });
    return;
  }
  postMessage(workspace, channel, message);
}

/**
 * Carries out an answer to an interaction: a new ephemeral unless it says otherwise.
 * @throws SlackRefusal when the answer is not one Slack understands.
 */
export function respond(workspace: Workspace, grant: ResponseGrant, body: unknown): void {
  const parsed = Answer.safeParse(body, { reportInput: true });
  if (!parsed.success) {
    const messages = parsed.error.issues.map((issue) => toRuleMessage(issue, ''));
    throw new SlackRefusal('invalid_payload', { messages, status: 400 });
  }
  const answer = parsed.data;
  const changesOriginal = answer.delete_original === true || answer.replace_original === true;
  // A command has no message of its own to replace, so its replacement is simply a new answer.
  const isCommand = grant.origin === undefined && answer.delete_original !== true;
  if (changesOriginal && !isCommand) changeOriginal(workspace, grant, answer);
  else postNew(workspace, grant, answer);
}
