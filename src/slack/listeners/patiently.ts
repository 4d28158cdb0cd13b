import { randomUUID } from 'node:crypto';
import type { Asker } from '../answer.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { waitFor } from '../patience.ts';
import type { CommandDeps } from './command-deps.ts';

/** Something that takes as long as a look does, and how it is spoken of. */
interface Task {
  readonly work: () => Promise<Message>;
  /** `looking at orders`, as in: dbconn failed while looking at orders. */
  readonly doing: string;
  /** `look at orders`, as in: the look at orders did not end. */
  readonly name: string;
  /** What to try when it does not end: `/dbconn doctor orders`. */
  readonly otherwise: string;
  readonly signal: AbortSignal;
}

interface Answered {
  readonly message: Message;
  /** False for words about the task instead of its answer. */
  readonly isAnswer: boolean;
}

/** The answer to a task; whatever goes wrong or takes long becomes a sentence that says what to do next. */
export async function answerInTime(deps: CommandDeps, asker: Asker, task: Task): Promise<Answered> {
  const { log, replyTimeouts } = deps;
  const { doing, name, otherwise, signal } = task;
  const say = (text: string): Answered => ({ message: notice(text), isAnswer: false });
  try {
    const work = task.work();
    const onSlow = (): Promise<void> => saySlow(deps, asker, doing);
    const waited = await waitFor({ work, replyTimeouts, signal, onSlow });
    if (waited.kind === 'done') return { message: waited.value, isAnswer: true };
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

async function saySlow({ answer, log }: CommandDeps, asker: Asker, doing: string): Promise<void> {
  const text = `Still ${doing}; this takes longer than it should. The answer follows here.`;
  await answer(asker, 'caller', notice(text)).catch((err: unknown) =>
    log.warn({ err }, 'A word of patience was not delivered'),
  );
}
