import { z } from 'zod';
import { fillIn } from '../element-state.ts';
import type { ChosenValues } from '../element-state.ts';
import type { Sandbox } from '../sandbox.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import { changeOpenView, closeModal, pushModal, updateView } from '../views.ts';
import type { SlackView } from '../workspace.ts';
import { findActor, findTopModal, Impossible, settle, toInteraction } from './act.ts';
import type { ActResult } from './act.ts';

/** What Slack's client shows when an app answers a form wrongly or not at all. */
const TROUBLE = 'We had some trouble connecting. Try again?';

/** What an app may answer to a submission. */
const SubmitAnswer = z.union([
  z.strictObject({}),
  z.discriminatedUnion('response_action', [
    z.strictObject({ response_action: z.literal('clear') }),
    z.strictObject({ response_action: z.literal('update'), view: z.unknown() }),
    z.strictObject({ response_action: z.literal('push'), view: z.unknown() }),
    z.strictObject({
      response_action: z.literal('errors'),
      errors: z.record(z.string(), z.string().min(1)),
    }),
  ]),
]);

export interface Submission {
  readonly user: string;
  readonly viewId: string;
  readonly values?: ChosenValues | undefined;
}

function showErrors(
  sandbox: Sandbox,
  open: { readonly user: string; readonly view: SlackView },
  errors: Readonly<Record<string, string>>,
): void {
  const known = new Set(
    open.view.blocks.filter((block) => block.type === 'input').map((block) => block.block_id),
  );
  const stranger = Object.keys(errors).find((blockId) => !known.has(blockId));
  if (stranger !== undefined || Object.keys(errors).length === 0) {
    throw new SlackRefusal('invalid_errors', {
      messages: [`[ERROR] no input block ${stranger ?? ''} [json-pointer:/errors]`],
    });
  }
  changeOpenView(sandbox.workspace, open.user, {
    viewId: open.view.id,
    to: { view: open.view, errors },
  });
}

/** Does to the modal what the app's acknowledgement says. */
function applyAnswer(
  sandbox: Sandbox,
  open: { readonly user: string; readonly view: SlackView },
  body: unknown,
): ActResult {
  const parsed = SubmitAnswer.safeParse(body);
  if (!parsed.success) throw new SlackRefusal('invalid_response_action');
  const answer = parsed.data;
  const { workspace } = sandbox;
  if (!('response_action' in answer)) {
    closeModal(workspace, open.user, false);
    return { acked: true };
  }
  sandbox.onSaid({ what: 'view_submission', args: answer, answer: { view: open.view } });
  switch (answer.response_action) {
    case 'clear':
      closeModal(workspace, open.user, true);
      return { acked: true };
    case 'update':
      updateView(workspace, { id: open.view.id }, { view: answer.view });
      return { acked: true };
    case 'push':
      pushModal(workspace, open.user, answer.view);
      return { acked: true };
    case 'errors':
      showErrors(sandbox, open, answer.errors);
      return { acked: true, errors: answer.errors };
    default:
      return answer satisfies never;
  }
}

async function deliverSubmission(sandbox: Sandbox, submission: Submission): Promise<ActResult> {
  const { workspace, delivery, triggers } = sandbox;
  const person = findActor(workspace, submission.user);
  const { view: blank } = findTopModal(workspace, person, submission.viewId);
  if (blank.submit === null) throw new Impossible('this modal has nothing to submit');
  const filled = fillIn(blank.blocks, submission.values ?? {}, workspace.people);
  if (Object.keys(filled.errors).length > 0) {
    return { acked: false, error: 'the form is not complete', errors: filled.errors };
  }
  const view: SlackView = { ...blank, state: { values: filled.values } };
  changeOpenView(workspace, person.id, { viewId: view.id, to: { view, errors: {} } });
  const acknowledgement = await delivery.deliver({
    type: 'interactive',
    payload: {
      type: 'view_submission',
      ...toInteraction(person),
      trigger_id: triggers.issue(person.id),
      view,
      response_urls: [],
    },
  });
  try {
    if (!acknowledgement.acked) throw new SlackRefusal(acknowledgement.error);
    return applyAnswer(sandbox, { user: person.id, view }, acknowledgement.body);
  } catch (error) {
    if (!(error instanceof SlackRefusal)) throw error;
    const to = { view, errors: {}, trouble: TROUBLE };
    changeOpenView(workspace, person.id, { viewId: view.id, to });
    return { acked: acknowledgement.acked, error: error.message };
  }
}

/** A person submits the modal in front of them; Slack's client checks the fields first. */
export async function submitView(sandbox: Sandbox, submission: Submission): Promise<ActResult> {
  return settle(async () => deliverSubmission(sandbox, submission));
}
