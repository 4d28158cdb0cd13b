import type { AllMiddlewareArgs, SlackCommandMiddlewareArgs } from '@slack/bolt';
import { parseCommand } from '../../runbook/commands/parse-command.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import { helpMessage } from '../messages/help.ts';
import type { Message } from '../messages/kit/message.ts';
import { toActor } from '../people.ts';
import type { Asker, Audience } from './answer.ts';
import { breakGlass, listOpen, propose } from './change-commands.ts';
import type { CommandDeps, Interaction } from './deps.ts';
import { callForHelp, letGo, stopAll } from './emergency-commands.ts';
import { answerIncident } from './incident-commands.ts';
import { listen, reply } from './listen.ts';
import type { Task } from './listen.ts';
import { readDiagnosis, readRecord } from './read-commands.ts';

type Args = SlackCommandMiddlewareArgs & AllMiddlewareArgs;

/** `/dbconn …`: acknowledged at once, answered when the work is done. */
export function dbconnCommand(deps: CommandDeps): (args: Args) => Promise<void> {
  return async ({ ack, command, context, respond }) => {
    const asker: Asker = { channel: command.channel_id, user: command.user_id, respond };
    const actor = toActor(command.user_id, command.team_id);
    const acknowledge = (busy: string | undefined): Promise<void> =>
      busy === undefined ? ack() : ack({ response_type: 'ephemeral', text: busy });
    await listen(
      deps,
      { what: 'A command', context, asker, actor, ack: acknowledge },
      (interaction) => answerCommand(interaction, unescapeSlack(command.text)),
    );
  };
}

/** Does what the words after `/dbconn` say, wherever they came from, and answers. */
export async function answerCommand(interaction: Interaction, text: string): Promise<void> {
  const { answer, asker, monitor } = interaction;
  const targets = monitor.targets.map(({ name }) => name);
  const command = parseCommand(text, targets);
  if (command.kind === 'help') {
    await answer(asker, 'caller', helpMessage(targets, command));
    return;
  }
  const doctor = 'target' in command && command.kind !== 'record' ? ` ${command.target}` : '';
  const task = { ...taskOf(interaction, command), otherwise: `/dbconn doctor${doctor}` };
  await reply(interaction, task, audienceOf(interaction, command));
}

/** Status in the incident channel is for everyone there; what concerns all is posted for all besides. */
function audienceOf({ asker, channel }: Interaction, command: Command): Audience {
  const isStatus = command.kind === 'look' && command.word === 'status';
  return isStatus && asker.channel === channel ? 'everyone' : 'caller';
}

type CommandTask = Omit<Task<Message>, 'otherwise'>;

function taskOf(on: Interaction, command: Exclude<Command, { kind: 'help' }>): CommandTask {
  switch (command.kind) {
    case 'look': {
      const { target } = command;
      return task(() => readDiagnosis(on, command), `checking ${target}`, `check of ${target}`);
    }
    case 'record': {
      const { word, target } = command;
      const doing = word === 'prevention' ? `checking ${target ?? 'a target'}` : reading;
      return task(() => readRecord(on, command), doing, word);
    }
    case 'propose': {
      const plan = `plan of ${nameOf(command.remedyCommand.option)} for ${command.target}`;
      return task(() => propose(on, command), `making the ${plan}`, plan);
    }
    case 'requests':
      return task(() => listOpen(on), reading, 'list');
    case 'break-glass':
      return task(() => breakGlass(on, command), 'breaking the glass', 'exception');
    case 'stop':
      return task(() => stopAll(on, command.reason), 'stopping', 'stop');
    case 'go':
      return task(() => letGo(on, command.reason), 'lifting the stop', 'go');
    case 'incident': {
      const name = 'answer about incidents';
      return task(() => answerIncident(on, command), 'answering about incidents', name);
    }
    default:
      return task(() => callForHelp(on, command), 'calling for help', 'call for help');
  }
}

const reading = 'reading the journal';

function task(work: () => Promise<Message>, doing: string, name: string): CommandTask {
  return { work, doing, name };
}

/** Slack escapes three characters in what people type. */
function unescapeSlack(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
