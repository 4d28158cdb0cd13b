import type { AllMiddlewareArgs, SlackCommandMiddlewareArgs } from '@slack/bolt';
import type { Actor } from '../../runbook/approvals/request.ts';
import { parseCommand } from '../../runbook/commands/parse-command.ts';
import { helpMessage } from '../messages/help.ts';
import { toActor } from '../people.ts';
import type { Asker } from './answer.ts';
import { answerChange } from './change-commands.ts';
import type { CommandDeps } from './deps.ts';
import { depsFor } from './deps.ts';
import type { InFlight } from './in-flight.ts';
import { answerDiagnosis, answerRecord } from './read-commands.ts';

type Args = SlackCommandMiddlewareArgs & AllMiddlewareArgs;

/** More looks than this at once help nobody and would queue behind one database connection each. */
const mostAtOnce = 30;

/** `/dbconn …`: acknowledged at once, answered when the work is done. */
export function dbconnCommand(deps: CommandDeps): (args: Args) => Promise<void> {
  const { inFlight, log } = deps;
  return async ({ ack, command, context, respond }) => {
    const busy = refusal(inFlight);
    // A socket that closes at this moment takes no acknowledgement. Slack then shows its own error,
    // and the answer by the response URL may still arrive.
    const acknowledge = (...words: Parameters<typeof ack>): Promise<void> =>
      ack(...words).catch((err: unknown) => log.warn({ err }, 'A command was not acknowledged'));
    if (busy !== undefined) {
      await acknowledge({ response_type: 'ephemeral', text: busy });
      return;
    }
    const asker: Asker = { channel: command.channel_id, user: command.user_id, respond };
    await inFlight.run(async (signal) => {
      await acknowledge();
      try {
        const actor = toActor(command.user_id, command.team_id);
        await answerCommand(depsFor(deps, context), asker, {
          text: unescapeSlack(command.text),
          actor,
          signal,
        });
      } catch (err) {
        log.error({ err, channel: asker.channel }, 'A command could not be answered');
      }
    });
  };
}

/** Why no more work is taken on now, or undefined. */
export function refusal({ draining, size }: InFlight): string | undefined {
  if (draining) return 'dbconn is restarting. Ask again in a minute.';
  if (size < mostAtOnce) return undefined;
  return `dbconn is already answering ${size} commands. Ask again in a few seconds.`;
}

interface CommandInput {
  readonly text: string;
  readonly actor: Actor;
  readonly signal: AbortSignal;
}

/** Does what the words after `/dbconn` say, wherever they came from, and answers. */
export async function answerCommand(
  deps: CommandDeps,
  asker: Asker,
  { text, actor, signal }: CommandInput,
): Promise<void> {
  const targets = deps.runbook.targets.map(({ name }) => name);
  const command = parseCommand(text, targets);
  switch (command.kind) {
    case 'help':
      await deps.answer(asker, 'caller', helpMessage(targets, command.problem));
      return;
    case 'look':
      await answerDiagnosis(deps, asker, { command, signal });
      return;
    case 'record':
      await answerRecord(deps, asker, { command, actor, signal });
      return;
    default:
      await answerChange(deps, asker, { command, actor, signal });
  }
}

/** Slack escapes three characters in what people type. */
function unescapeSlack(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
