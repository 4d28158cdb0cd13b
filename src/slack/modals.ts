import { WebAPIPlatformError } from '@slack/web-api';
import type { WebClient } from '@slack/web-api';
import type { ModalView } from '@slack/types';
import type { Logger } from 'pino';

/** Dialogs in front of one person. */
export interface Modals {
  /** Opens one within the 3 s that a press allows. Undefined when it is open, or Slack's word for why it is not. */
  open(triggerId: string, view: ModalView): Promise<string | undefined>;
  /** Shows something else in an open dialog; false where the person has closed it, or Slack took it not. */
  update(viewId: string, view: ModalView): Promise<boolean>;
}

export function createModals(client: WebClient, log: Logger): Modals {
  const { open, update } = client.views;
  return {
    async open(triggerId, view) {
      try {
        await open({ trigger_id: triggerId, view });
        return undefined;
      } catch (err) {
        log.warn({ err, dialog: view.callback_id }, 'A dialog could not be opened');
        return err instanceof WebAPIPlatformError ? err.data.error : 'no answer';
      }
    },
    async update(viewId, view) {
      try {
        await update({ view_id: viewId, view });
        return true;
      } catch (err) {
        log.info({ err }, 'A dialog was closed before its answer');
        return false;
      }
    },
  };
}
