import type { LocalSlack } from '../../../../sandbox/slack/server.ts';
import { BOT_TOKEN } from './local-slack.ts';

export type Reply = Readonly<Record<string, unknown>>;

/** A Web API call as curl would make it, with JSON arguments. */
export async function callApi(
  slack: LocalSlack,
  method: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<Reply> {
  return callAs(slack, BOT_TOKEN, { method, args });
}

export async function callAs(
  slack: LocalSlack,
  token: string,
  call: { readonly method: string; readonly args?: Readonly<Record<string, unknown>> },
): Promise<Reply> {
  const response = await fetch(slack.apiUrl + call.method, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(call.args ?? {}),
  });
  return toReply(await response.json());
}

export function toReply(parsed: unknown): Reply {
  if (typeof parsed !== 'object' || parsed === null) throw new Error('not a JSON object');
  return { ...parsed };
}
