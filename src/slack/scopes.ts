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
export const optionalScopes: Readonly<Record<string, string>> = {
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
