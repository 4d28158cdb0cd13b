import { randomUUID } from 'node:crypto';
import type { Context } from '@slack/bolt';
import type { Approvals } from '../../runbook/approvals/approvals.ts';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
import { refuse } from '../../runbook/remedies/remedy.ts';
import { isUnremembered } from '../connection/http.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice } from '../messages/notice.ts';
import type { Audience } from './answer.ts';
import type { CommandDeps, Interaction } from './deps.ts';
import { refusal, waitFor } from './in-flight.ts';

/** One call of Slack's. */
interface Call extends Pick<Interaction, 'asker' | 'actor'> {
  /** `A press`, as in: A press could not be answered. */
  readonly what: string;
  readonly context: Context;
  /** Acknowledges it, and says why nothing is done now where an acknowledgement bears words. */
  readonly ack: (busy: string | undefined) => Promise<void>;
  /** Says why nothing is done now where it bears none. */
  readonly refuse?: (busy: string) => Promise<void>;
}

/** Acknowledges a call, and answers it by `work`: to its end while dbconn is stopping, and never by an exception. */
export async function listen(
  deps: CommandDeps,
  { what, context, asker, actor, ack, refuse: say }: Call,
  work: (interaction: Interaction) => Promise<void>,
): Promise<void> {
  const { inFlight, log } = deps;
  const busy = refusal(inFlight);
  await inFlight.run(async (signal) => {
    // A socket that closes at this moment takes no acknowledgement. Slack then shows its own error,
    // and the answer by the response URL may still arrive.
    await ack(busy).catch((err: unknown) => log.warn({ err }, `${what} was not acknowledged`));
    try {
      if (busy === undefined) await work({ ...depsFor(deps, context), asker, actor, signal });
      else await say?.(busy);
    } catch (err) {
      log.error({ err, channel: asker.channel }, `${what} could not be answered`);
    }
  });
}

/**
 * What a listener works with for one request. Where the journal could not remember the request, somebody who captured
 * it could send it again: it may look, stop and call for help, and decides nothing.
 */
function depsFor(deps: CommandDeps, context: Context): CommandDeps {
  if (!isUnremembered(context)) return deps;
  return {
    ...deps,
    approvals: { ...deps.approvals, ...undecidedApprovals },
    incidents: { ...deps.incidents, ...undecidedIncidents },
  };
}

const refused = (): Promise<ReturnType<typeof refuse>> =>
  Promise.resolve(
    refuse(
      'not-recorded',
      'Nothing was done, because the journal could not be written.',
      'Try again in a moment; /dbconn doctor says what is wrong with it.',
    ),
  );

/** What only reads, stops, or is no call of Slack's; whatever is added to approvals is refused until it is named here. */
type Harmless =
  | 'check'
  | 'checkPeople'
  | 'commands'
  | 'coolingUntil'
  | 'drain'
  | 'get'
  | 'list'
  | 'mayVote'
  | 'offers'
  | 'preview'
  | 'rulesFor'
  | 'settled'
  | 'stop'
  | 'stopped'
  | 'sweep'
  | 'takeOver';

const undecidedApprovals: Omit<Approvals, Harmless> = {
  propose: refused,
  approve: refused,
  deny: refused,
  withdraw: refused,
  undo: refused,
  breakGlass: refused,
  ranByHand: refused,
  go: refused,
};

/** The same of incidents; to call for help is never refused. */
type HarmlessToIncidents =
  | 'alert'
  | 'observe'
  | 'requestChanged'
  | 'retire'
  | 'escalate'
  | 'get'
  | 'current'
  | 'list'
  | 'history';

const undecidedIncidents: Omit<Incidents, HarmlessToIncidents> = {
  open: refused,
  assign: refused,
  silence: refused,
  unsilence: refused,
  merge: refused,
  resolve: refused,
  reopen: refused,
  tick: refused,
};

/** Something that takes as long as a check does, and how it is spoken of. */
export interface Task<T> {
  readonly work: () => Promise<T>;
  /** `looking at orders`, as in: dbconn failed while looking at orders. */
  readonly doing: string;
  /** `look at orders`, as in: the look at orders did not end. */
  readonly name: string;
  /** What to try when it does not end: `/dbconn doctor orders`. */
  readonly otherwise: string;
}

interface Answered<T> {
  readonly value: T | Message;
  /** False for words about the task instead of its answer. */
  readonly isAnswer: boolean;
}

/** The answer to a task; whatever goes wrong or takes long becomes a sentence that says what to do next. */
export async function answerInTime<T>(
  interaction: Interaction,
  { work: begin, doing, name, otherwise }: Task<T>,
): Promise<Answered<T>> {
  const { log, replyTimeouts, signal } = interaction;
  const say = (text: string): Answered<T> => ({ value: notice(text), isAnswer: false });
  try {
    const work = begin();
    const onSlow = (): Promise<void> => saySlow(interaction, doing);
    const waited = await waitFor({ work, replyTimeouts, signal, onSlow });
    if (waited.kind === 'done') return { value: waited.value, isAnswer: true };
    // The work goes on without an audience; its failure must not end the process.
    work.catch((err: unknown) => log.warn({ err, doing }, 'An abandoned task failed'));
    return say(
      waited.kind === 'stopped'
        ? `dbconn was stopped before its ${name} was done. Ask again in a minute.`
        : `The ${name} did not end within ${replyTimeouts.giveUpAfterMs / 1000} s. Try ${otherwise}, and go on by hand with the runbook.`,
    );
  } catch (err) {
    const reference = randomUUID().slice(0, 8);
    log.error({ err, reference, doing }, 'A task failed');
    return say(
      `dbconn failed while ${doing}; this is a fault of dbconn, not of the database. Its log says why under ${reference}. Try again, and go on by hand with the runbook meanwhile.`,
    );
  }
}

async function saySlow({ answer, asker, log }: Interaction, doing: string): Promise<void> {
  const text = `Still ${doing}; this takes longer than it should. The answer follows here.`;
  await answer(asker, 'caller', notice(text)).catch((err: unknown) =>
    log.warn({ err }, 'A word of patience was not delivered'),
  );
}

/** Answers with what the work says; words about it instead are for the person who asked alone. */
export async function reply(
  interaction: Interaction,
  task: Task<Message>,
  audience: Audience = 'caller',
): Promise<void> {
  const { value, isAnswer } = await answerInTime(interaction, task);
  await interaction.answer(interaction.asker, isAnswer ? audience : 'caller', value);
}
