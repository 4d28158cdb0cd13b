import type { Sandbox } from '../sandbox.ts';
import { closeModal } from '../views.ts';
import { findActor, findTopModal, settle, toInteraction } from './act.ts';
import type { ActResult } from './act.ts';

/** A person closes the modal in front of them; the app hears of it if the view asked for that. */
export async function closeView(
  sandbox: Sandbox,
  closing: { readonly user: string; readonly viewId: string },
): Promise<ActResult> {
  return settle(async () => {
    const { workspace, delivery } = sandbox;
    const person = findActor(workspace, closing.user);
    const { view } = findTopModal(workspace, person, closing.viewId);
    closeModal(workspace, person.id, view.clear_on_close);
    if (!view.notify_on_close) return { acked: true };
    const acknowledgement = await delivery.deliver({
      type: 'interactive',
      payload: {
        type: 'view_closed',
        ...toInteraction(person),
        view,
        is_cleared: view.clear_on_close,
      },
    });
    return acknowledgement.acked ? { acked: true } : acknowledgement;
  });
}
