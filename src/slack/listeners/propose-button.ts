import type { CommandDeps } from './command-deps.ts';
import { answerCommand } from './dbconn-command.ts';
import type { Press } from './press.ts';

/** A button next to an option of a status message. It proposes, as if the words it carries had been typed. */
export function proposeButton(deps: CommandDeps): (press: Press) => Promise<void> {
  return ({ asker, signal, value }) =>
    answerCommand(deps, asker, { text: `propose ${value}`, signal });
}
