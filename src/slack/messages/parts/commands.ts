import { commandsFor } from '../../../runbook/approval/commands-for.ts';
import type { ApprovalRequest } from '../../../runbook/approval/request.ts';
import type { MessageBlock } from './message.ts';
import { between, bold, commandText, moment, paragraph, plain, richText } from './rich-text.ts';
import { titledList } from './rich-text.ts';

/** What a person runs, in full: a command that is cut would be another one. Nothing before it is approved, and after. */
export function commandList(request: ApprovalRequest): MessageBlock[] {
  const shown = commandsFor(request);
  if (shown === undefined || request.handOff === null) return [];
  const { notes, commands } = shown;
  const lead = paragraph(
    bold('Run this by hand'),
    between(', until '),
    moment(request.handOff.until),
    plain(commands.length === 0 ? ':' : ', in a shell, and press “I ran it”:'),
  );
  return [
    richText(lead),
    ...titledList(
      'Before',
      notes.map((note) => [plain(note)]),
    ),
    ...commands.map((command) => richText(commandText(command))),
  ];
}
