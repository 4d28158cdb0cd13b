import type { AllMiddlewareArgs, SlackViewMiddlewareArgs, ViewSubmitAction } from '@slack/bolt';
import type { Logger } from 'pino';
import { knownCallbacks } from '../messages/kit/action-ids.ts';
import type { Message } from '../messages/kit/message.ts';
import { readFields, readMemory, wordsView } from '../messages/kit/modal.ts';
import type { DialogMemory, Filled } from '../messages/kit/modal.ts';
import { notice } from '../messages/notice.ts';
import { toActor } from '../people.ts';
import type { Asker } from './answer.ts';
import type { CommandDeps, Interaction } from './deps.ts';
import { answerInTime, listen } from './listen.ts';

/** What a submitted dialog asks for: work to do, or what is wrong with its fields. */
export type Submitted =
  | { readonly work: (on: Interaction) => Promise<Message> }
  | { readonly errors: Readonly<Record<string, string>> };

/** Reads a submitted dialog: what it was opened with, and what was filled in. */
export type ReadDialog = (memory: DialogMemory, filled: Filled) => Submitted;

type SubmitArgs = SlackViewMiddlewareArgs<ViewSubmitAction> & AllMiddlewareArgs;

/** The answer to a submission cannot go by a response URL: there is none. */
const noResponseUrl: Asker['respond'] = () => Promise.reject(new Error('no response URL'));

const title = 'dbconn';

/**
 * Answers a submitted dialog in the dialog itself: it is acknowledged with a word of patience, and shows the answer
 * when the work is done. A person who closes it meanwhile reads the answer where they opened it.
 */
export function onSubmit(deps: CommandDeps, read: ReadDialog): (args: SubmitArgs) => Promise<void> {
  return async ({ ack, body, context, view }) => {
    const { answer, log, modals } = deps;
    const { user } = body;
    const show = (text: string): Promise<void> =>
      ack({ response_action: 'update', view: wordsView(title, notice(text)) });
    const memory = readMemory(view.private_metadata);
    if (memory === undefined) {
      log.warn({ dialog: view.callback_id, user: user.id }, 'A dialog was not one of ours');
      await show('This dialog does not belong to this dbconn, so nothing was done.');
      return;
    }
    const submitted = read(memory, readFields(view.state.values));
    if ('errors' in submitted) {
      await ack({ response_action: 'errors', errors: { ...submitted.errors } });
      return;
    }
    const asker: Asker = { channel: memory.channel, user: user.id, respond: noResponseUrl };
    const actor = toActor(user.id, user.team_id ?? body.team?.id);
    const acknowledge = (busy = 'One moment…'): Promise<void> => show(busy);
    const call = { what: 'A dialog', context, asker, actor, ack: acknowledge };
    await listen(deps, call, async (interaction) => {
      const { value: message } = await answerInTime(interaction, {
        work: () => submitted.work(interaction),
        doing: 'answering a dialog',
        name: 'answer to a dialog',
        otherwise: '/dbconn status',
      });
      const isShown = await modals.update(view.id, wordsView(title, message));
      if (!isShown) await answer(asker, 'caller', message);
    });
  };
}

const stale = 'This dialog belongs to an older dbconn, and nothing was done. Open it again.';

/** A dialog that was open while dbconn changed is answered instead of showing Slack's own trouble. */
export function unknownDialog(log: Logger): (args: SubmitArgs) => Promise<void> {
  return async ({ ack, view }) => {
    if (knownCallbacks.has(view.callback_id)) return;
    log.warn({ dialog: view.callback_id.slice(0, 60) }, 'A dialog nobody answers was submitted');
    await ack({ response_action: 'update', view: wordsView(title, notice(stale)) });
  };
}
