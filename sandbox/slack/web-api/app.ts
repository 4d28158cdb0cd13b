import { z } from 'zod';
import { identity } from '../identity.ts';
import { defineMethod } from './method.ts';

const noArguments = z.strictObject({});

export const appMethods = {
  'auth.test': defineMethod({
    scopes: [],
    tier: 'special',
    args: noArguments,
    run({ workspace, baseUrl }) {
      return {
        url: `${baseUrl()}/`,
        team: identity.teamName,
        team_id: identity.teamId,
        user: workspace.people.get(identity.botUserId)?.name,
        user_id: identity.botUserId,
        bot_id: identity.botId,
        is_enterprise_install: false,
      };
    },
  }),
  'apps.connections.open': defineMethod({
    scopes: [],
    tier: 'tier1',
    token: 'app',
    args: noArguments,
    run({ issueSocketUrl }) {
      return { url: issueSocketUrl() };
    },
  }),
};
