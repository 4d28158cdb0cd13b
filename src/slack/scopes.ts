/** Every method of Slack's Web API that dbconn calls, with the scope Slack wants for it; null for none. */
export const scopeOf = {
  'auth.test': null,
  'chat.postMessage': 'chat:write',
  'chat.postEphemeral': 'chat:write',
  'chat.update': 'chat:write',
  'views.open': null,
  'views.update': null,
  'users.info': 'users:read',
  'usergroups.users.list': 'usergroups:read',
} as const;

/** Slash commands need a scope although they call no method. */
const scopeOfCommands = 'commands';

/** The bot scopes of the manifest: these and no others. */
export function neededScopes(): string[] {
  const scopes = Object.values(scopeOf).filter((scope) => scope !== null);
  return [...new Set([scopeOfCommands, ...scopes])].toSorted();
}
