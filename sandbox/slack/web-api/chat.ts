import { z } from 'zod';
import { identity } from '../identity.ts';
import {
  createMessage,
  postEphemeral,
  postMessage,
  removeMessage,
  replaceMessage,
  reviseMessage,
} from '../messages.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import type { Channel, SlackMessage } from '../workspace.ts';
import {
  findChannelById,
  findMessage,
  findPerson,
  findPostingChannel,
  refuseUnknownThread,
} from './lookup.ts';
import { defineMethod, flagArgument, jsonArgument } from './method.ts';

/** chat.update and chat.postEphemeral refuse more; chat.postMessage cuts far later. */
const MAX_UPDATED_TEXT = 4000;
/** Slack names no figure for `metadata_too_large`; this is generous for an id and a hash. */
const MAX_METADATA_BYTES = 8000;

const Metadata = z.strictObject({
  event_type: z.string().min(1).max(255),
  event_payload: z.record(z.string(), z.unknown()),
});

const content = {
  text: z.string().optional(),
  blocks: jsonArgument('invalid_blocks_format').optional(),
  metadata: jsonArgument('invalid_metadata_format').optional(),
  parse: z.enum(['full', 'none']).optional(),
  link_names: flagArgument,
  as_user: flagArgument,
};

/** An empty object takes the metadata of a message away. */
const UpdatedMetadata = z.union([z.strictObject({}), Metadata]);

function refuseBadMetadata(metadata: unknown, shape: z.ZodType = Metadata): void {
  if (metadata === undefined) return;
  if (JSON.stringify(metadata).length > MAX_METADATA_BYTES) {
    throw new SlackRefusal('metadata_too_large');
  }
  if (!shape.safeParse(metadata).success) throw new SlackRefusal('invalid_metadata_format');
}

/** Slack ignores the wish outside a thread, where it can only be a mistake. */
function refuseBroadcastOutsideThread(broadcast: boolean | undefined, thread?: string): void {
  if (broadcast !== true || thread !== undefined) return;
  throw new SlackRefusal('invalid_arguments', {
    messages: ['[ERROR] reply_broadcast needs thread_ts [json-pointer:/reply_broadcast]'],
  });
}

function refuseLongText(text: string | undefined): void {
  if ((text ?? '').length > MAX_UPDATED_TEXT) throw new SlackRefusal('msg_too_long');
}

function findOwnMessage(channel: Channel, ts: string, refusal: string): SlackMessage {
  const message = findMessage(channel, ts);
  if (message.user !== identity.botUserId) throw new SlackRefusal(refusal);
  return message;
}

export const chatMethods = {
  'chat.postMessage': defineMethod({
    scopes: ['chat:write'],
    tier: 'posting',
    args: z.strictObject({
      channel: z.string(),
      ...content,
      thread_ts: z.string().optional(),
      reply_broadcast: flagArgument,
      unfurl_links: flagArgument,
      unfurl_media: flagArgument,
      mrkdwn: flagArgument,
    }),
    run({ workspace, rateLimits }, args) {
      const channel = findPostingChannel(workspace, args.channel);
      rateLimits.spendPost(channel.id);
      refuseBadMetadata(args.metadata);
      refuseBroadcastOutsideThread(args.reply_broadcast, args.thread_ts);
      refuseUnknownThread(channel, args.thread_ts);
      const message = postMessage(workspace, channel, createMessage(workspace, args));
      return { channel: channel.id, ts: message.ts, message };
    },
  }),
  'chat.update': defineMethod({
    scopes: ['chat:write'],
    tier: 'tier3',
    args: z.strictObject({
      channel: z.string(),
      ts: z.string(),
      ...content,
      reply_broadcast: flagArgument,
    }),
    run({ workspace }, args) {
      const channel = findChannelById(workspace, args.channel);
      const old = findOwnMessage(channel, args.ts, 'cant_update_message');
      refuseLongText(args.text);
      refuseBadMetadata(args.metadata, UpdatedMetadata);
      refuseBroadcastOutsideThread(args.reply_broadcast, old.thread_ts);
      const message = reviseMessage(workspace, old, args);
      replaceMessage(workspace, channel, { ts: args.ts, message });
      return { channel: channel.id, ts: message.ts, text: message.text, message };
    },
  }),
  'chat.delete': defineMethod({
    scopes: ['chat:write'],
    tier: 'tier3',
    args: z.strictObject({ channel: z.string(), ts: z.string(), as_user: flagArgument }),
    run({ workspace }, { channel: id, ts }) {
      const channel = findChannelById(workspace, id);
      findOwnMessage(channel, ts, 'cant_delete_message');
      removeMessage(workspace, channel, ts);
      return { channel: channel.id, ts };
    },
  }),
  'chat.postEphemeral': defineMethod({
    scopes: ['chat:write'],
    tier: 'tier4',
    args: z.strictObject({
      channel: z.string(),
      user: z.string(),
      ...content,
      thread_ts: z.string().optional(),
    }),
    run({ workspace }, args) {
      const channel = findPostingChannel(workspace, args.channel);
      findPerson(workspace, args.user);
      if (!channel.members.has(args.user)) throw new SlackRefusal('user_not_in_channel');
      refuseLongText(args.text);
      refuseUnknownThread(channel, args.thread_ts);
      const { metadata: _ignoredInEphemerals, ...said } = args;
      const message = createMessage(workspace, said);
      postEphemeral(workspace, { channel: channel.id, user: args.user }, message);
      return { message_ts: message.ts };
    },
  }),
  'chat.getPermalink': defineMethod({
    scopes: [],
    tier: 'special',
    args: z.strictObject({ channel: z.string(), message_ts: z.string() }),
    run({ workspace, baseUrl }, args) {
      const channel = findChannelById(workspace, args.channel);
      const message = findMessage(channel, args.message_ts);
      const inThread =
        message.thread_ts === undefined ? '' : `?thread_ts=${message.thread_ts}&cid=${channel.id}`;
      const path = `/archives/${channel.id}/p${message.ts.replace('.', '')}`;
      return { channel: channel.id, permalink: `${baseUrl()}${path}${inThread}` };
    },
  }),
};
