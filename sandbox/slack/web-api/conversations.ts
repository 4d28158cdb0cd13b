import { z } from 'zod';
import { identity } from '../identity.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import type { Channel } from '../workspace.ts';
import { findChannelById, openDirectMessageWith } from './lookup.ts';
import { countArgument, defineMethod, flagArgument } from './method.ts';

const READ_SCOPES = ['channels:read', 'groups:read', 'im:read', 'mpim:read'];
const MAX_MEMBERS_PER_PAGE = 1000;

function toConversation(channel: Channel): Readonly<Record<string, unknown>> {
  const isIm = channel.kind === 'im';
  return {
    id: channel.id,
    is_channel: channel.kind === 'public',
    is_group: channel.kind === 'private',
    is_im: isIm,
    is_mpim: false,
    is_private: channel.kind !== 'public',
    is_archived: false,
    context_team_id: identity.teamId,
    ...(isIm
      ? { user: [...channel.members].find((member) => member !== identity.botUserId) }
      : {
          name: channel.name,
          name_normalized: channel.name,
          is_member: channel.members.has(identity.botUserId),
        }),
  };
}

export const conversationsMethods = {
  'conversations.open': defineMethod({
    scopes: ['im:write'],
    tier: 'tier3',
    args: z.strictObject({
      users: z.string().optional(),
      channel: z.string().optional(),
      return_im: flagArgument,
      prevent_creation: flagArgument,
    }),
    run({ workspace }, args) {
      if (args.channel !== undefined) {
        const channel = findChannelById(workspace, args.channel);
        if (channel.kind !== 'im') throw new SlackRefusal('method_not_supported_for_channel_type');
        return { channel: { id: channel.id } };
      }
      const users = (args.users ?? '').split(',').filter((user) => user !== '');
      const [user, ...others] = users;
      if (user === undefined) throw new SlackRefusal('users_list_not_supplied');
      if (others.length > 0) {
        // Group messages are a scope of their own, and dbconn never asks for it.
        const provided = workspace.scopes.join(',');
        throw new SlackRefusal('missing_scope', { needed: 'mpim:write', provided });
      }
      const channel = openDirectMessageWith(workspace, user);
      return {
        channel: args.return_im === true ? toConversation(channel) : { id: channel.id },
      };
    },
  }),
  'conversations.info': defineMethod({
    scopes: READ_SCOPES,
    tier: 'tier3',
    args: z.strictObject({
      channel: z.string(),
      include_locale: flagArgument,
      include_num_members: flagArgument,
    }),
    run({ workspace }, args) {
      const channel = findChannelById(workspace, args.channel);
      return {
        channel: {
          ...toConversation(channel),
          ...(args.include_num_members === true && { num_members: channel.members.size }),
        },
      };
    },
  }),
  'conversations.members': defineMethod({
    scopes: READ_SCOPES,
    tier: 'tier4',
    args: z.strictObject({
      channel: z.string(),
      cursor: z.string().optional(),
      limit: countArgument.optional(),
    }),
    run({ workspace }, { channel: id, cursor = '', limit = 100 }) {
      const members = [...findChannelById(workspace, id).members];
      const place = cursor === '' ? '0' : Buffer.from(cursor, 'base64url').toString();
      if (!/^\d{1,9}$/.test(place)) throw new SlackRefusal('invalid_cursor');
      const from = Number(place);
      if (limit < 1 || limit > MAX_MEMBERS_PER_PAGE) throw new SlackRefusal('invalid_limit');
      const to = from + limit;
      const next = to < members.length ? Buffer.from(String(to)).toString('base64url') : '';
      return { members: members.slice(from, to), response_metadata: { next_cursor: next } };
    },
  }),
};
