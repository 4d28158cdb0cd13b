import type { Commands } from '../runbook/remedies/by-hand/hand-off.ts';
import { wrap } from './render/layout.ts';
import type { Paint } from './render/layout.ts';

/** What a person runs, to copy: no command is wrapped. */
export function renderCommands(id: string, { notes, commands }: Commands, paint: Paint): string {
  return [
    paint('bold', 'Run this by hand:'),
    ...notes.map((note) => wrap(note)),
    ...commands.flatMap((command) => ['', command]),
    '',
    wrap(`Then say so: dbconn ran ${id}, or “I ran it” in Slack.`),
  ].join('\n');
}
