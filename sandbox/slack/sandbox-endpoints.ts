import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { closeView } from './acting/close-view.ts';
import type { ActResult } from './acting/act.ts';
import { deleteMessage } from './acting/delete-message.ts';
import { openHome } from './acting/open-home.ts';
import { pressElement } from './acting/press-element.ts';
import { submitView } from './acting/submit-view.ts';
import { typeCommand } from './acting/type-command.ts';
import { MAX_CALL_BYTES, parseObject, readBody } from './http-body.ts';
import { toRuleMessage } from './rule-messages.ts';
import type { Sandbox } from './sandbox.ts';
import { SlackRefusal } from './slack-refusal.ts';
import { readPersonView } from './state-view.ts';

const chosen = z.union([z.string(), z.array(z.string()), z.null()]);
const values = z.record(z.string(), z.record(z.string(), chosen));
const pressed = {
  user: z.string(),
  actionId: z.string(),
  blockId: z.string().optional(),
  value: z.union([z.string(), z.array(z.string())]).optional(),
  values: values.optional(),
};

const Command = z.strictObject({
  user: z.string(),
  channel: z.string(),
  text: z.string().max(3000),
  threadTs: z.string().exactOptional(),
});
const Press = z.union([
  z.strictObject({ ...pressed, channel: z.string(), ts: z.string() }),
  z.strictObject({ ...pressed, viewId: z.string() }),
]);
const Submit = z.strictObject({
  user: z.string(),
  viewId: z.string(),
  values: values.optional(),
});
const Close = z.strictObject({ user: z.string(), viewId: z.string() });
const Home = z.strictObject({ user: z.string() });
const Delete = z.strictObject({ user: z.string(), channel: z.string(), ts: z.string() });

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body, { reportInput: true });
  if (parsed.success) return parsed.data;
  const messages = parsed.error.issues.map((issue) => toRuleMessage(issue, ''));
  throw new SlackRefusal('invalid_arguments', { messages, status: 400 });
}

async function act(sandbox: Sandbox, path: string, body: unknown): Promise<ActResult> {
  switch (path) {
    case '/_sandbox/command':
      return typeCommand(sandbox, parse(Command, body));
    case '/_sandbox/action':
      return pressElement(sandbox, parse(Press, body));
    case '/_sandbox/view-submit':
      return submitView(sandbox, parse(Submit, body));
    case '/_sandbox/view-close':
      return closeView(sandbox, parse(Close, body));
    case '/_sandbox/home':
      return openHome(sandbox, parse(Home, body));
    case '/_sandbox/delete':
      return deleteMessage(sandbox, parse(Delete, body));
    default:
      throw new SlackRefusal('not_found', { status: 404 });
  }
}

/**
 * What the web page calls: acting as a person, and what that person sees. Never a part of Slack.
 * @throws SlackRefusal with an HTTP status for anything it does not understand.
 */
export async function callSandbox(
  sandbox: Sandbox,
  request: IncomingMessage,
  url: URL,
): Promise<unknown> {
  if (request.method === 'GET' && url.pathname === '/_sandbox/state') {
    const view = readPersonView(sandbox.workspace, url.searchParams.get('user') ?? '');
    if (view === undefined) throw new SlackRefusal('user_not_found', { status: 404 });
    return view;
  }
  if (request.method !== 'POST') throw new SlackRefusal('method_not_allowed', { status: 405 });
  // A form could be sent by any web page without asking; JSON cannot.
  if (request.headers['content-type']?.startsWith('application/json') !== true) {
    throw new SlackRefusal('invalid_post_type', { status: 415 });
  }
  return act(sandbox, url.pathname, parseObject(await readBody(request, MAX_CALL_BYTES)));
}
