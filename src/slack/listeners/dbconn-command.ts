import { randomUUID } from 'node:crypto';
import type { AllMiddlewareArgs, SlackCommandMiddlewareArgs } from '@slack/bolt';
import type { Logger } from 'pino';
import { parseCommand } from '../../runbook/commands.ts';
import type { Command } from '../../runbook/commands.ts';
import type { Runbook } from '../../runbook/runbook.ts';
import type { Answer, Asker, Audience } from '../answer.ts';
import type { DoctorSlack } from '../doctor-slack.ts';
import type { InFlight } from '../in-flight.ts';
import { doctorMessage } from '../messages/doctor.ts';
import { helpMessage } from '../messages/help.ts';
import { lookMessages } from '../messages/look-messages.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { waitFor } from '../patience.ts';
import type { Patience } from '../patience.ts';

export interface CommandDeps {
  readonly runbook: Runbook;
  readonly answer: Answer;
  readonly doctorSlack: DoctorSlack;
  readonly inFlight: InFlight;
  readonly patience: Patience;
  /** The incident channel's id. */
  readonly channel: string | undefined;
  readonly log: Logger;
}

type Args = SlackCommandMiddlewareArgs & AllMiddlewareArgs;
type Look = Extract<Command, { kind: 'look' }>;

/** More looks than this at once help nobody and would queue behind one database connection each. */
const mostAtOnce = 30;

/** `/dbconn …`: acknowledged at once, answered when the look is done. Nothing it does changes anything. */
export function dbconnCommand(deps: CommandDeps): (args: Args) => Promise<void> {
  const { inFlight, log } = deps;
  return async ({ ack, command, respond }) => {
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
        await answerCommand(deps, asker, { text: command.text, signal });
      } catch (err) {
        log.error({ err, channel: asker.channel }, 'A command could not be answered');
      }
    });
  };
}

function refusal({ draining, size }: InFlight): string | undefined {
  if (draining) return 'dbconn is restarting. Ask again in a minute.';
  if (size < mostAtOnce) return undefined;
  return `dbconn is already answering ${size} commands. Ask again in a few seconds.`;
}

async function answerCommand(
  deps: CommandDeps,
  asker: Asker,
  { text, signal }: { readonly text: string; readonly signal: AbortSignal },
): Promise<void> {
  const targets = deps.runbook.targets.map(({ name }) => name);
  const command = parseCommand(unescapeSlack(text), targets);
  if (command.kind === 'help') {
    await deps.answer(asker, 'caller', helpMessage(targets, command.problem));
    return;
  }
  const { audience, message } = await lookFor(deps, asker, { command, signal });
  await deps.answer(asker, audience, message);
}

interface Answered {
  readonly audience: Audience;
  readonly message: Message;
}

/** The answer to a look; whatever goes wrong becomes a sentence that says what to do next. */
async function lookFor(
  deps: CommandDeps,
  asker: Asker,
  { command, signal }: { readonly command: Look; readonly signal: AbortSignal },
): Promise<Answered> {
  const { log, patience } = deps;
  const toCaller = (text: string): Answered => ({ audience: 'caller', message: notice(text) });
  try {
    const work = look(deps, asker, command);
    const onSlow = (): Promise<void> => saySlow(deps, asker, command);
    const waited = await waitFor({ work, patience, signal, onSlow });
    if (waited.kind === 'done')
      return { audience: audienceOf(deps, asker, command), message: waited.value };
    // The work goes on without an audience; its failure must not end the process.
    work.catch((err: unknown) => log.warn({ err }, 'An abandoned look failed'));
    return toCaller(
      waited.kind === 'stopped'
        ? `dbconn was stopped before its look at ${command.target} was done. Ask again in a minute.`
        : `The look at ${command.target} did not end within ${patience.giveUpAfterMs / 1000} s. Try /dbconn doctor ${command.target}, and go on by hand with the runbook.`,
    );
  } catch (err) {
    const reference = randomUUID().slice(0, 8);
    log.error({ err, reference, word: command.word, target: command.target }, 'A look failed');
    return toCaller(
      `dbconn failed while looking at ${command.target}; this is a fault of dbconn, not of the database. Its log says why under ${reference}. Try again, and go on by hand with the runbook meanwhile.`,
    );
  }
}

async function look(
  deps: CommandDeps,
  asker: Asker,
  { word, target: name }: Look,
): Promise<Message> {
  const { doctorSlack, runbook } = deps;
  const target = runbook.targets.find((candidate) => candidate.name === name);
  if (target === undefined) return notice('No target is configured. Add one to dbconn.yml.');
  if (word === 'doctor') {
    const [checks, slackChecks] = await Promise.all([
      runbook.doctor(name),
      doctorSlack(asker.user),
    ]);
    return doctorMessage(name, [...checks, ...slackChecks]);
  }
  return lookMessages[word]({ diagnosis: await runbook.diagnose(name), target });
}

/** Status in the incident channel is for everyone there; anything else is one person's curiosity. */
function audienceOf(deps: CommandDeps, asker: Asker, { word }: Look): Audience {
  return word === 'status' && asker.channel === deps.channel ? 'everyone' : 'caller';
}

async function saySlow(
  { answer, log }: CommandDeps,
  asker: Asker,
  { target }: Look,
): Promise<void> {
  const text = `Still looking at ${target}; this takes longer than it should. The answer follows here.`;
  await answer(asker, 'caller', notice(text)).catch((err: unknown) =>
    log.warn({ err }, 'A word of patience was not delivered'),
  );
}

/** Slack escapes three characters in what people type. */
function unescapeSlack(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
