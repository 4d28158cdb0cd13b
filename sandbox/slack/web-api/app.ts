import { z } from 'zod';
import { checkBlocks, checkView } from '../check-payload.ts';
import { identity } from '../identity.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import { defineMethod, jsonArgument } from './method.ts';

const noArguments = z.strictObject({});

const Said = z.strictObject({ blocks: z.unknown(), attachments: z.unknown().optional() });

/** By the rules that every other call is held to. */
function problemsOf(kind: string, value: unknown): readonly string[] {
  if (kind === 'view')
    return checkView(value).map((one) => one.replace('pointer:/view', 'pointer:'));
  if (kind === 'message') {
    const message = Said.safeParse(value);
    if (!message.success) return ['[ERROR] is not a message [json-pointer:]'];
    return checkBlocks('message', message.data.blocks);
  }
  return checkBlocks('message', value).map((one) => one.replace('pointer:/blocks', 'pointer:'));
}

/** `[ERROR] unsupported type: alert [json-pointer:/0/type]` as blocks.validate has it. */
function toValidationError(problem: string): Readonly<Record<string, string>> {
  const [, message = problem, pointer = ''] =
    /^\[ERROR\] (.*) \[json-pointer:(.*)\]$/.exec(problem) ?? [];
  return { code: 'failed_constraint', message, pointer };
}

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
  'blocks.validate': defineMethod({
    scopes: [],
    // Slack's page says that special limits apply, and no figure. It shows invalid_blocks; what a message and a view are
    // refused with is as other clients read it (slack-morphism).
    tier: 'tier3',
    args: z.strictObject({
      blocks: jsonArgument('invalid_arguments').optional(),
      message: jsonArgument('invalid_arguments').optional(),
      view: jsonArgument('invalid_arguments').optional(),
    }),
    run(_, args) {
      const given = Object.entries(args).filter(([, value]) => value !== undefined);
      const [only, ...others] = given;
      if (only === undefined || others.length > 0) {
        const messages = ['must provide exactly one of `blocks`, `view`, or `message`'];
        throw new SlackRefusal('invalid_arguments', { messages });
      }
      const [kind, value] = only;
      const errors = problemsOf(kind, value).map(toValidationError);
      if (errors.length > 0) throw new SlackRefusal(`invalid_${kind}`, { errors });
      return {};
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
