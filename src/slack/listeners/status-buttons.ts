import { actionIds, proposeActions } from '../messages/kit/action-ids.ts';
import type { StatusActionId } from '../messages/kit/action-ids.ts';
import { notice } from '../messages/notice.ts';
import { idleView, usualIdleRequest } from '../views/idle-view.ts';
import { openDialog } from './open-dialog.ts';
import type { CommandDeps } from './command-deps.ts';
import { answerCommand } from '../handlers/command.ts';
import type { Press, PressWork } from './press.ts';

/** The buttons of a status message. They propose, as if the words they carry had been typed. */
export const statusButtons: Readonly<Record<StatusActionId, PressWork>> = {
  [actionIds.choose]: choose,
  [proposeActions[0]]: propose,
  [proposeActions[1]]: propose,
  [proposeActions[2]]: propose,
  [proposeActions[3]]: propose,
};

function propose(deps: CommandDeps, { asker, actor, signal, value }: Press): Promise<void> {
  return answerCommand(deps, asker, { text: `propose ${value}`, actor, signal });
}

/** Option A with thresholds and an application of one's own. */
async function choose(deps: CommandDeps, press: Press): Promise<void> {
  const { answer, changes, runbook } = deps;
  const { actor, asker, value } = press;
  const target = runbook.targets.find(({ name }) => name === value);
  if (changes === undefined || target === undefined) {
    await answer(asker, 'caller', notice('There is no such target here. Look with /dbconn help.'));
    return;
  }
  const view = idleView(usualIdleRequest(target.limits), { channel: asker.channel, target: value });
  const problem = await openDialog({ deps, changes, actor }, press, view);
  if (problem !== undefined) await answer(asker, 'caller', problem);
}
