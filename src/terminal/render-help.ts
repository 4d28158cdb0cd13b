import { descriptions, incidentUsages, proposalUsages } from '../runbook/commands/words.ts';

/** All words; `problem` says on top why they are shown. */
export function renderHelp(problem?: string): string {
  return [
    ...(problem === undefined ? [] : [problem, '']),
    'Usage: dbconn [word] [target] [--json] [--watch] [--dry-run] [--over DURATION] [--config FILE]',
    '',
    ...Object.entries(descriptions).map(([word, line]) => `  ${word.padEnd(11)} ${line}`),
    '',
    'What can be proposed, and where there are several targets, its target at the end:',
    ...proposalUsages.map(([usage, what]) => `  ${usage}\n      ${what}`),
    '',
    'Incidents, where the terminal lists and opens and the rest goes in Slack only:',
    ...incidentUsages.map(([usage, what]) => `  ${usage}\n      ${what}`),
    '',
    'In a terminal only:',
    '  propose … --dry-run   shows the plan and records nothing, as preview does',
    '  deny ID [reason]      ends a proposal; approving goes in Slack only',
    '  commands ID           what to run by hand of an approved request, where dbconn cannot',
    '  ran ID                says that you ran it by hand; dbconn looks whether it helped',
    '  approve ID --break-glass --reason TEXT',
    '                        runs it without its votes, where dbconn.yml allows that to you',
    '  journal verify [--head HASH] [--heads FILE]',
    '                        whether the journal is as it was written, and holds these heads:',
    '                        exit status 0 it does, 2 it does not, 3 cannot judge',
    '  journal export [ID] [--format md|json]',
    '                        the record of everything, or of one request or incident',
    '  bundle ID [--out FILE]',
    '                        all evidence of an incident in one sealed file',
    '  replay FILE [--json] [--head HASH]',
    '                        what today’s dbconn would say and decide otherwise about a bundle:',
    '                        exit status 0 the same, 1 something differs, 3 refused or empty',
    '  completion SHELL      a script that completes these words in bash, zsh or fish',
    '',
    'Without a dbconn.yml, DATABASE_URL names the database.',
    'Exit status: 0 fine, 1 warning, 2 critical, 3 cannot judge.',
  ].join('\n');
}
