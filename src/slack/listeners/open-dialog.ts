import type { ModalView } from '@slack/types';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import type { ActionContext } from './acting.ts';
import type { Press } from './press.ts';

/** Opens a dialog as the answer to a press; words only where Slack does not open it. */
export async function openDialog(
  { deps }: ActionContext,
  { triggerId }: Press,
  view: ModalView,
): Promise<Message | undefined> {
  const problem = await deps.modals.open(triggerId, view);
  if (problem === undefined) return undefined;
  return notice(
    `Slack did not open the dialog (${problem}), and nothing was done. Press it again.`,
  );
}
