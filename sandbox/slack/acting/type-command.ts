import { toCommandText } from '../command-text.ts';
import { identity } from '../identity.ts';
import { createMessage, postEphemeral } from '../messages.ts';
import { respond } from '../respond.ts';
import type { ResponseGrant } from '../response-urls.ts';
import type { Sandbox } from '../sandbox.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import { findActor, findOwnChannel, settle } from './act.ts';
import type { ActResult } from './act.ts';

export interface TypedCommand {
  readonly user: string;
  readonly channel: string;
  /** The whole line: `/dbconn status`. */
  readonly text: string;
  /** Slash commands do not work in threads; given to try it. */
  readonly threadTs?: string;
}

/** Slackbot tells only this person what went wrong. */
function complain(sandbox: Sandbox, { user, channel }: TypedCommand, error: string): ActResult {
  const { workspace } = sandbox;
  const message = createMessage(workspace, { text: error }, identity.slackbotUserId);
  postEphemeral(workspace, { channel, user }, message);
  return { acked: false, error };
}

function isSilent(body: Readonly<Record<string, unknown>>): boolean {
  return (body['text'] ?? '') === '' && body['blocks'] === undefined;
}

function showAnswer(
  sandbox: Sandbox,
  grant: ResponseGrant,
  body: Readonly<Record<string, unknown>>,
): string | undefined {
  if (isSilent(body)) return undefined;
  try {
    respond(sandbox.workspace, grant, body);
    return undefined;
  } catch (error) {
    if (!(error instanceof SlackRefusal)) throw error;
    return 'invalid_command_response';
  }
}

async function deliverCommand(sandbox: Sandbox, typed: TypedCommand): Promise<ActResult> {
  const { workspace, triggers, responseUrls, delivery } = sandbox;
  const person = findActor(workspace, typed.user);
  const channel = findOwnChannel(workspace, person, typed.channel);
  const line = typed.text.trim();
  const [command = ''] = line.split(/\s/, 1);
  const known = workspace.manifest.features?.slash_commands?.find((one) => one.command === command);
  if (known === undefined) return complain(sandbox, typed, `${command} is not a valid command.`);
  if (typed.threadTs !== undefined) {
    return complain(sandbox, typed, `${command} is not supported in threads. Sorry!`);
  }
  const grant: ResponseGrant = { user: person.id, channel: channel.id, command: line };
  const acknowledgement = await delivery.deliver({
    type: 'slash_commands',
    payload: {
      token: identity.verificationToken,
      team_id: identity.teamId,
      team_domain: identity.teamDomain,
      channel_id: channel.id,
      channel_name: channel.kind === 'private' ? 'privategroup' : channel.name,
      user_id: person.id,
      user_name: person.name,
      command,
      text: toCommandText(workspace, line.slice(command.length), known.should_escape === true),
      api_app_id: identity.appId,
      is_enterprise_install: 'false',
      response_url: sandbox.baseUrl() + responseUrls.issue('commands', grant),
      trigger_id: triggers.issue(person.id),
    },
  });
  const error = acknowledgement.acked
    ? showAnswer(sandbox, grant, acknowledgement.body)
    : acknowledgement.error;
  if (error === undefined) return { acked: true };
  complain(sandbox, typed, `${command} failed with the error "${error}"`);
  return { acked: false, error };
}

/** A person types a slash command and waits until Slack knows whether the app took it. */
export async function typeCommand(sandbox: Sandbox, typed: TypedCommand): Promise<ActResult> {
  return settle(async () => deliverCommand(sandbox, typed));
}
