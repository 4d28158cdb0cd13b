import { checkBlocks } from './check-payload.ts';
import { fillIds } from './elements.ts';
import { identity } from './identity.ts';
import { SlackRefusal } from './slack-refusal.ts';
import type { Channel, SlackMessage, StoredBlock, Workspace } from './workspace.ts';

/** A demo may run for days: the oldest messages of a channel are dropped beyond this. */
const MAX_MESSAGES_PER_CHANNEL = 2000;
const MAX_EPHEMERALS = 2000;

/** What a message says; `blocks` as the app sent them, unchecked. */
export interface MessageContent {
  readonly text?: string | undefined;
  readonly blocks?: unknown;
  readonly thread_ts?: string | undefined;
  readonly reply_broadcast?: boolean | undefined;
  readonly metadata?: unknown;
  readonly files?: SlackMessage['files'];
}

/** Beyond this Slack cuts the text of a new message. */
const MAX_POSTED_TEXT = 40_000;

function referencedFiles(blocks: readonly StoredBlock[]): readonly string[] {
  return blocks.flatMap((block) => {
    const source: unknown = block['slack_file'];
    return typeof source === 'object' && source !== null && 'id' in source
      ? [String(source.id)]
      : [];
  });
}

/**
 * Blocks as Slack stores them.
 * @throws SlackRefusal `invalid_blocks` with the reasons.
 */
function acceptBlocks(workspace: Workspace, blocks: unknown): readonly StoredBlock[] {
  const problems = checkBlocks('message', blocks);
  if (problems.length > 0) throw new SlackRefusal('invalid_blocks', { messages: problems });
  const stored = fillIds(blocks);
  const missing = referencedFiles(stored).find(
    (file) => workspace.files.get(file)?.completed !== true,
  );
  if (missing !== undefined) {
    throw new SlackRefusal('invalid_blocks', {
      messages: [`[ERROR] invalid slack file: ${missing} [json-pointer:/blocks]`],
    });
  }
  return stored;
}

/** @throws SlackRefusal `no_text` when there is nothing to show. */
export function createMessage(
  workspace: Workspace,
  content: MessageContent,
  author: string = identity.botUserId,
): SlackMessage {
  const blocks = content.blocks === undefined ? undefined : acceptBlocks(workspace, content.blocks);
  const text = content.text ?? '';
  if (text === '' && (blocks ?? []).length === 0 && content.files === undefined) {
    throw new SlackRefusal('no_text');
  }
  return {
    type: 'message',
    ts: workspace.nextTs(),
    user: author,
    team: identity.teamId,
    text: text.slice(0, MAX_POSTED_TEXT),
    ...(author === identity.botUserId && { bot_id: identity.botId, app_id: identity.appId }),
    ...(blocks !== undefined && blocks.length > 0 && { blocks }),
    ...(content.thread_ts !== undefined && { thread_ts: content.thread_ts }),
    ...(content.reply_broadcast === true && { subtype: 'thread_broadcast' }),
    ...(content.metadata !== undefined && { metadata: content.metadata }),
    ...(content.files !== undefined && { files: content.files }),
  };
}

export function postMessage(
  workspace: Workspace,
  channel: Channel,
  message: SlackMessage,
): SlackMessage {
  channel.messages = [...channel.messages, message].slice(-MAX_MESSAGES_PER_CHANNEL);
  workspace.changed();
  return message;
}

export function postEphemeral(
  workspace: Workspace,
  to: { readonly channel: string; readonly user: string },
  message: SlackMessage,
): SlackMessage {
  workspace.ephemerals = [...workspace.ephemerals, { ...to, message }].slice(-MAX_EPHEMERALS);
  workspace.changed();
  return message;
}

/**
 * A message with new content, as chat.update makes it: `text` without `blocks` removes the blocks,
 * `blocks` without `text` keeps the text, metadata stays unless given and goes with an empty object.
 */
export function reviseMessage(
  workspace: Workspace,
  message: SlackMessage,
  content: MessageContent,
): SlackMessage {
  if (content.text === undefined && content.blocks === undefined) throw new SlackRefusal('no_text');
  const { blocks: _replaced, metadata: known, ...kept } = message;
  const metadata = content.metadata === undefined ? known : content.metadata;
  const blocks = content.blocks === undefined ? [] : acceptBlocks(workspace, content.blocks);
  const text = content.text ?? message.text;
  if (text === '' && blocks.length === 0) throw new SlackRefusal('no_text');
  return {
    ...kept,
    text,
    ...(content.reply_broadcast === true && { subtype: 'thread_broadcast' }),
    ...(blocks.length > 0 && { blocks }),
    ...(metadata !== undefined && !isEmptyObject(metadata) && { metadata }),
  };
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Puts a revised message in the old one's place, or takes it out when there is none. */
export function replaceMessage(
  workspace: Workspace,
  channel: Channel,
  change: { readonly ts: string; readonly message?: SlackMessage },
): void {
  channel.messages = channel.messages.flatMap((one) =>
    one.ts === change.ts ? (change.message ?? []) : one,
  );
  workspace.changed();
}

/** Deletes a message; of a parent with replies a tombstone stays, so that its thread can be read. */
export function removeMessage(workspace: Workspace, channel: Channel, ts: string): void {
  if (!channel.messages.some((one) => one.thread_ts === ts && one.ts !== ts)) {
    replaceMessage(workspace, channel, { ts });
    return;
  }
  const message: SlackMessage = {
    type: 'message',
    subtype: 'tombstone',
    ts,
    thread_ts: ts,
    user: identity.slackbotUserId,
    team: identity.teamId,
    text: 'This message was deleted.',
  };
  replaceMessage(workspace, channel, { ts, message });
}

/** As replaceMessage, for a message only one person sees. */
export function replaceEphemeral(
  workspace: Workspace,
  ts: string,
  message: SlackMessage | undefined,
): void {
  workspace.ephemerals = workspace.ephemerals.flatMap((one) =>
    one.message.ts === ts ? (message === undefined ? [] : { ...one, message }) : one,
  );
  workspace.changed();
}
