import type { Logger } from 'pino';
import { notice } from '../messages/notice.ts';
import { wordsView } from '../messages/kit/modal.ts';
import type { SubmitArgs } from './on-submit.ts';

const stale = 'This dialog belongs to an older dbconn, and nothing was done. Open it again.';

/** A dialog that was open while dbconn changed is answered instead of showing Slack's own trouble. */
export function unknownDialog(
  known: ReadonlySet<string>,
  log: Logger,
): (args: SubmitArgs) => Promise<void> {
  return async ({ ack, view }) => {
    if (known.has(view.callback_id)) return;
    log.warn({ dialog: view.callback_id.slice(0, 60) }, 'A dialog nobody answers was submitted');
    await ack({ response_action: 'update', view: wordsView('dbconn', notice(stale)) });
  };
}
