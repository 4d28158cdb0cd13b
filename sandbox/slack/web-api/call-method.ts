import { refuseByInterference } from '../interference.ts';
import type { Interference } from '../interference.ts';
import type { Sandbox } from '../sandbox.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import { appMethods } from './app.ts';
import { chatMethods } from './chat.ts';
import { conversationsMethods } from './conversations.ts';
import { filesMethods } from './files.ts';
import { historyMethods } from './history.ts';
import type { Method } from './method.ts';
import { usersMethods } from './users.ts';
import { viewsMethods } from './views.ts';

const methods: ReadonlyMap<string, Method> = new Map(
  Object.entries({
    ...appMethods,
    ...chatMethods,
    ...conversationsMethods,
    ...filesMethods,
    ...historyMethods,
    ...usersMethods,
    ...viewsMethods,
  }),
);

/** One call as it came over HTTP. */
export interface MethodCall {
  readonly method: string;
  readonly token: string | undefined;
  readonly args: Readonly<Record<string, unknown>>;
}

interface MethodAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

function refuseToken(sandbox: Sandbox, token: string | undefined, wanted: 'bot' | 'app'): void {
  const { tokens } = sandbox;
  if (token === undefined || token === '') throw new SlackRefusal('not_authed');
  if (token !== tokens.bot && token !== tokens.app) throw new SlackRefusal('invalid_auth');
  if (token !== tokens[wanted]) throw new SlackRefusal('not_allowed_token_type');
}

function refuseScope(sandbox: Sandbox, method: Method): void {
  const { scopes } = sandbox.workspace;
  if (method.scopes.length === 0 || method.scopes.some((scope) => scopes.includes(scope))) return;
  throw new SlackRefusal('missing_scope', {
    needed: method.scopes.join(','),
    provided: scopes.join(','),
  });
}

function toRefusalBody({ code, details }: SlackRefusal): Readonly<Record<string, unknown>> {
  const { errors, messages, needed, provided } = details;
  return {
    ok: false,
    error: code,
    ...(needed !== undefined && { needed, provided }),
    ...(messages !== undefined && {
      errors: messages.map((message) => message.replace('[ERROR] ', '')),
      response_metadata: { messages },
    }),
    ...(errors !== undefined && { errors }),
  };
}

/** Carries out a Web API call in the order Slack checks it: method, token, scope, rate, arguments. */
export function callMethod(
  sandbox: Sandbox,
  call: MethodCall,
  interference?: Interference,
): MethodAnswer {
  const method = methods.get(call.method);
  const headers: Record<string, string> = {};
  try {
    if (method === undefined) throw new SlackRefusal('unknown_method');
    refuseToken(sandbox, call.token, method.token);
    if (method.token === 'bot') {
      headers['x-oauth-scopes'] = sandbox.workspace.scopes.join(',');
      headers['x-accepted-oauth-scopes'] = method.scopes.join(',');
    }
    refuseScope(sandbox, method);
    refuseByInterference(interference);
    sandbox.rateLimits.spendCall(call.method, method.tier);
    return { status: 200, headers, body: { ok: true, ...method.call(sandbox, call.args) } };
  } catch (error) {
    if (!(error instanceof SlackRefusal)) throw error;
    const { retryAfterSeconds } = error.details;
    if (retryAfterSeconds !== undefined) headers['retry-after'] = String(retryAfterSeconds);
    const status = retryAfterSeconds === undefined ? 200 : 429;
    return { status, headers, body: toRefusalBody(error) };
  }
}
