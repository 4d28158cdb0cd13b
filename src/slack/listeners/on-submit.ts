import type { AllMiddlewareArgs, SlackViewMiddlewareArgs, ViewSubmitAction } from '@slack/bolt';
import type { Asker } from '../answer.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { toActor } from '../to-actor.ts';
import { readFields, readMemory, wordsView } from '../messages/kit/modal.ts';
import type { CommandDeps } from './command-deps.ts';
import { refusal } from '../handlers/command.ts';
import { depsFor } from './deps-for.ts';
import type { ReadDialog, Submitted } from './submitted.ts';
import { answerInTime } from './patiently.ts';

export type SubmitArgs = SlackViewMiddlewareArgs<ViewSubmitAction> & AllMiddlewareArgs;

/** The answer to a submission cannot go by a response URL: there is none. */
const noResponseUrl: Asker['respond'] = () => Promise.reject(new Error('no response URL'));

const title = 'dbconn';

/**
 * Answers a submitted dialog in the dialog itself: it is acknowledged with a word of patience, and shows the answer
 * when the work is done. Whoever closes it meanwhile reads the answer where they opened it.
 */
export function onSubmit(deps: CommandDeps, read: ReadDialog): (args: SubmitArgs) => Promise<void> {
  const { inFlight, log } = deps;
  return async ({ ack, body, context, view }) => {
    const { user } = body;
    const show = (text: string): Promise<void> =>
      ack({ response_action: 'update', view: wordsView(title, notice(text)) });
    const memory = readMemory(view.private_metadata);
    if (memory === undefined) {
      log.warn({ dialog: view.callback_id, user: user.id }, 'A dialog was not one of ours');
      await show('This dialog was not made by this dbconn, so nothing was done.');
      return;
    }
    const busy = refusal(inFlight);
    if (busy !== undefined) {
      await show(busy);
      return;
    }
    const submitted = read(memory, readFields(view.state.values));
    if ('errors' in submitted) {
      await ack({ response_action: 'errors', errors: { ...submitted.errors } });
      return;
    }
    await inFlight.run(async (signal) => {
      await show('One moment…').catch((err: unknown) =>
        log.warn({ err }, 'A dialog was not acknowledged'),
      );
      try {
        const asker: Asker = { channel: memory.channel, user: user.id, respond: noResponseUrl };
        const actor = toActor(user.id, user.team_id ?? body.team?.id);
        const message = await work(depsFor(deps, context), asker, { submitted, actor, signal });
        const isShown = await deps.modals.update(view.id, wordsView(title, message));
        if (!isShown) await deps.answer(asker, 'caller', message);
      } catch (err) {
        log.error({ err, dialog: view.callback_id }, 'A dialog could not be answered');
      }
    });
  };
}

interface Working {
  readonly submitted: Extract<Submitted, { work: unknown }>;
  readonly actor: ReturnType<typeof toActor>;
  readonly signal: AbortSignal;
}

async function work(
  deps: CommandDeps,
  asker: Asker,
  { submitted, actor, signal }: Working,
): Promise<Message> {
  const { changes } = deps;
  if (changes === undefined) return notice('This dbconn only looks; nothing runs here.');
  const { message } = await answerInTime(deps, asker, {
    work: () => submitted.work({ deps, changes, actor }),
    doing: 'answering a dialog',
    name: 'answer to a dialog',
    otherwise: '/dbconn status',
    signal,
  });
  return message;
}
