import { descriptions, incidentUsages, proposalUsages } from '../../runbook/commands/words.ts';
import { options } from '../arguments.ts';
import { exitCodes, refused } from '../output.ts';
import type { CommandResult } from '../output.ts';

/** Words of the terminal alone, beside those it shares with Slack. */
const terminalWords: Readonly<Record<string, string>> = {
  deny: 'end a proposal',
  commands: 'what to run by hand of an approved request',
  ran: 'say that it was run by hand',
  approve: 'run a proposal without its votes, with --break-glass',
  journal: 'verify or export the journal',
  bundle: 'all evidence of an incident in one sealed file',
  replay: 'what today’s dbconn would decide about a bundle',
  completion: 'completion of these words for bash, zsh or fish',
};

/** A word, what it does. No `:`, which zsh reads as the end of the word. */
const words = Object.entries({ ...descriptions, ...terminalWords }).map(
  ([word, line]) => [word, line.replaceAll(/['":]/g, '')] as const,
);
const names = words.map(([word]) => word).join(' ');
const flags = Object.keys(options).map((flag) => `--${flag}`);

const scripts: Readonly<Record<string, () => string>> = {
  bash: () =>
    [
      '_dbconn() {',
      `  [ "$COMP_CWORD" -gt 1 ] && [[ $2 != -* ]] && return`,
      `  COMPREPLY=($(compgen -W "${names} ${flags.join(' ')}" -- "$2"))`,
      '}',
      'complete -o default -F _dbconn dbconn',
    ].join('\n'),
  zsh: () =>
    [
      '_dbconn() {',
      `  local -a words=(${words.map(([word, line]) => `'${word}:${line}'`).join(' ')})`,
      '  if (( CURRENT == 2 )); then _describe word words; else _files; fi',
      '}',
      'compdef _dbconn dbconn',
    ].join('\n'),
  fish: () =>
    [
      ...words.map(
        ([word, line]) => `complete -c dbconn -n __fish_use_subcommand -a ${word} -d '${line}'`,
      ),
      ...Object.keys(options).map((flag) => `complete -c dbconn -l ${flag}`),
    ].join('\n'),
};

/** `completion SHELL`: a script for it to source. */
export function renderCompletion(shell: string | undefined): CommandResult {
  const script = Object.hasOwn(scripts, shell ?? '') ? scripts[shell ?? ''] : undefined;
  if (script !== undefined) return { text: script(), code: exitCodes.fine };
  const shells = Object.keys(scripts).join(', ');
  return refused(`Name a shell: ${shells}. Then: source <(dbconn completion bash)`);
}

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
