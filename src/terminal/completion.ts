import { descriptions } from '../runbook/commands/words.ts';
import { exitCodes } from './exit-codes.ts';
import { options } from './flags.ts';
import { refused } from './said.ts';
import type { CommandResult } from './said.ts';

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
