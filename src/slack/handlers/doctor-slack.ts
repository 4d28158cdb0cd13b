import { WebAPIPlatformError } from '@slack/web-api';
import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Check } from '../../runbook/diagnose/doctor.ts';
import { refusalFix } from '../live/refusals.ts';
import { notice } from '../messages/notice.ts';

/**
 * Every method of Slack's Web API that dbconn calls, with the scopes Slack wants for it; null for none.
 *
 * @internal The sources are searched for what they really call, and only a test does that.
 */
export const scopeOf = {
  'auth.test': null,
  'chat.delete': 'chat:write',
  'chat.getPermalink': null,
  'chat.postMessage': 'chat:write',
  'chat.postEphemeral': 'chat:write',
  'chat.update': 'chat:write',
  'conversations.history': ['channels:history', 'groups:history', 'im:history'],
  'conversations.open': 'im:write',
  'conversations.replies': ['channels:history', 'groups:history', 'im:history'],
  'files.completeUploadExternal': 'files:write',
  'files.getUploadURLExternal': 'files:write',
  'views.open': null,
  'views.publish': null,
  'views.update': null,
  'users.info': 'users:read',
  'usergroups.users.list': 'usergroups:read',
} as const;

/** Slash commands need a scope although they call no method. */
const scopeOfCommands = 'commands';

/** Scopes that dbconn does without, and what it then does worse. */
const optionalScopes: Readonly<Record<string, string>> = {
  'channels:history': 'after being killed dbconn may repeat itself in a public incident channel',
  'groups:history': 'after being killed dbconn may repeat itself in a private incident channel',
  'im:history': 'after being killed dbconn may repeat a direct message',
  'files:write': 'the report of an incident stands in its thread as text instead of a file',
  'im:write': 'after being killed dbconn may repeat a direct message',
};

/** The bot scopes of the manifest: these and no others. */
export function neededScopes(): string[] {
  const scopes = Object.values(scopeOf).flatMap((scope) => scope ?? []);
  return [...new Set([scopeOfCommands, ...scopes])].toSorted();
}

/** Slack's own part of `/dbconn doctor`, asked by a person whose id is given. Never throws. */
export type DoctorSlack = (user: string) => Promise<readonly Check[]>;

interface DoctorSlackDeps {
  readonly client: WebClient;
  /** The incident channel's id. */
  readonly channel: string | undefined;
  readonly log: Logger;
}

export function createDoctorSlack(deps: DoctorSlackDeps): DoctorSlack {
  return async (user) => {
    const parts = await Promise.all([checkScopes(deps), checkChannel(deps, user)]);
    return parts.flat();
  };
}

/** Slack sends the token's scopes along with every answer; auth.test needs none itself. */
async function checkScopes({ client, log }: DoctorSlackDeps): Promise<Check[]> {
  try {
    const { response_metadata: metadata } = await client.auth.test();
    const granted = metadata?.scopes;
    if (granted === undefined) {
      return [ofSlack('warning', 'Slack did not say which scopes the token has.')];
    }
    return judgeScopes(granted);
  } catch (err) {
    log.warn({ err }, 'Slack did not say which scopes the token has');
    const code = err instanceof WebAPIPlatformError ? ` (${err.data.error})` : '';
    const fix = 'Check SLACK_BOT_TOKEN and the way to Slack.';
    return [ofSlack('missing', `Slack did not answer auth.test${code}.`, fix)];
  }
}

function judgeScopes(granted: readonly string[]): Check[] {
  const fix = 'Add the scopes of manifest.yml under "OAuth & Permissions" and reinstall the app.';
  const lacking = neededScopes().filter((scope) => !granted.includes(scope));
  const isOptional = (scope: string): boolean => Object.hasOwn(optionalScopes, scope);
  const missing = lacking.filter((scope) => !isOptional(scope));
  const summary =
    missing.length > 0
      ? `The bot lacks ${missing.join(', ')}.`
      : `The bot has its scopes: ${neededScopes()
          .filter((scope) => granted.includes(scope))
          .join(', ')}.`;
  const degraded = Object.entries(
    Object.groupBy(lacking.filter(isOptional), (scope) => optionalScopes[scope] ?? ''),
  ).map(([what, scopes = []]) => ofSlack('warning', `Without ${scopes.join(', ')} ${what}.`, fix));
  const check = missing.length > 0 ? ofSlack('missing', summary, fix) : ofSlack('ok', summary);
  return [check, ...degraded];
}

/** Only posting shows whether the bot may post: a message that the asker alone sees for a while. */
async function checkChannel(
  { client, channel, log }: DoctorSlackDeps,
  user: string,
): Promise<Check[]> {
  if (channel === undefined) {
    const without = 'No incident channel is configured, so every answer is for its asker alone.';
    return [ofSlack('off', without, 'Set slack.channel in dbconn.yml to the id of #database.')];
  }
  const { postEphemeral } = client.chat;
  const { text } = notice('dbconn can post here. Only you see this.');
  try {
    await postEphemeral({ channel, user, text });
    return [ofSlack('ok', 'The bot can post in the incident channel.')];
  } catch (err) {
    log.warn({ err }, 'The incident channel could not be probed');
    return [ofProbe(err instanceof WebAPIPlatformError ? err.data.error : 'no answer')];
  }
}

function ofProbe(code: string): Check {
  switch (code) {
    case 'not_in_channel':
    case 'channel_not_found':
      return ofSlack('missing', 'The bot is not in the incident channel.', refusalFix(code));
    case 'user_not_in_channel':
      return ofSlack(
        'warning',
        'Whether the bot can post in the incident channel shows only to its members.',
        'Join the incident channel and ask again.',
      );
    default:
      return ofSlack(
        'missing',
        `The bot cannot post in the incident channel (${code}).`,
        refusalFix(code),
      );
  }
}

function ofSlack(state: Check['state'], summary: string, fix?: string): Check {
  return { subject: 'Slack', state, summary, ...(fix !== undefined && { fix }) };
}
