import { readOnlyWords } from '../../runbook/commands/words.ts';
import { exitCodes, refused } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { allGroups, terminalGuides } from './help.ts';

/** Each asks dbconn itself what may come next, as those of kubectl and gh do: what is known is written once, here. */
const scripts: Readonly<Record<string, readonly string[]>> = {
  bash: [
    '_dbconn() {',
    '  local line',
    '  COMPREPLY=()',
    '  while IFS= read -r line; do',
    '    if [[ $line == :files ]]; then compopt -o default; else COMPREPLY+=("${line%%$\'\\t\'*}"); fi',
    '  done < <("${COMP_WORDS[0]/#\\~/$HOME}" completion next -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)',
    '}',
    'complete -F _dbconn dbconn',
  ],
  zsh: [
    '#compdef dbconn',
    '_dbconn() {',
    '  local line',
    '  local -a found',
    '  for line in "${(@f)$("${(Q)words[1]}" completion next -- "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do',
    '    if [[ $line == :files ]]; then _files; return; fi',
    '    [[ -n $line ]] && found+=("${${line//:/\\:}/$\'\\t\'/:}")',
    '  done',
    '  _describe dbconn found',
    '}',
    'compdef _dbconn dbconn',
  ],
  fish: [
    'function __dbconn_next',
    '  set -l typed (commandline -opc) (commandline -ct)',
    '  for line in ($typed[1] completion next -- $typed[2..-1] 2>/dev/null)',
    '    if test "$line" = :files',
    '      __fish_complete_path (commandline -ct)',
    '    else',
    '      echo $line',
    '    end',
    '  end',
    'end',
    "complete -c dbconn -f -a '(__dbconn_next)'",
  ],
};

/** `completion SHELL`: a script for it to source. */
export function renderCompletion(shell: string | undefined): CommandResult {
  const script = Object.hasOwn(scripts, shell ?? '') ? scripts[shell ?? ''] : undefined;
  if (script !== undefined) return { text: script.join('\n'), code: exitCodes.fine };
  return refused(`Name a shell: ${Object.keys(scripts).join(', ')}. See dbconn help completion.`);
}

/** What may be typed, and what it is for. */
type Candidate = readonly [typed: string, what: string];

const remedies: readonly Candidate[] = [
  ['A', 'end idle sessions'],
  ['B', 'raise max_connections'],
  ['C', 'restart a service'],
  ['D', 'stop what blocks the others'],
  ['E', 'resize a pool'],
  ['prevention', 'a time-out or a limit'],
  ['prepared', 'roll back a prepared transaction'],
];

function words(...names: readonly string[]): readonly Candidate[] {
  return names.map((name) => [name, '']);
}

/** The second word, where it is no target. */
const second: Readonly<Record<string, readonly Candidate[]>> = {
  propose: remedies,
  preview: remedies,
  incident: words('open', 'ack', 'silence', 'unsilence', 'merge', 'close', 'reopen'),
  escalate: words('database-admins', 'backend-lead', 'on-call'),
  journal: words('verify', 'export'),
  config: words('check', 'schema'),
  completion: words(...Object.keys(scripts)),
  help: allGroups.flatMap(([, names]) => names.map(toCandidate)),
};

/** After these a target may come. */
const aboutTargets = new Set<string>([
  ...readOnlyWords,
  'propose',
  'preview',
  'cancel',
  'kill',
  'incident',
  'escalate',
  'history',
  'report',
  'prevention',
]);

const json: Candidate = ['--json', 'the answer as JSON'];
const head: Candidate = ['--head', 'a hash that was kept elsewhere'];
const over: Candidate = ['--over', 'only what lasts longer, such as 30m'];

const optionsOf: Readonly<Record<string, readonly Candidate[]>> = {
  ...Object.fromEntries(
    readOnlyWords.map((word) => [word, [json, ['--watch', 'check every two seconds']] as const]),
  ),
  propose: [['--dry-run', 'show the plan only'], over],
  preview: [over],
  approve: [
    ['--break-glass', 'without its votes'],
    ['--reason', 'why'],
  ],
  incident: [json],
  history: [json],
  report: [json],
  prevention: [json],
  journal: [head, ['--heads', 'a file of them'], ['--format', 'md or json']],
  bundle: [['--out', 'the file to write']],
  replay: [json, head],
};
const everywhere: readonly Candidate[] = [
  ['--config', 'instead of dbconn.yml'],
  ['--help', 'explain this word'],
];

const files: readonly Candidate[] = [[':files', '']];
const takesFile = new Set(['--config', '--out', '--heads']);

/**
 * `completion next -- WORDS`: what may come in place of the last of them, a line each, with a tab before what it is for;
 * `:files` where the shell's own files fit. Targets are asked for only where one may come.
 */
export async function renderNext(
  typed: readonly string[],
  targetsOf: () => Promise<readonly string[]>,
): Promise<CommandResult> {
  const current = typed.at(-1) ?? '';
  const fitting = (await next(typed, targetsOf)).filter(
    (candidate) => files.includes(candidate) || candidate[0].startsWith(current),
  );
  const text = fitting.map(([name, what]) => (what === '' ? name : `${name}\t${what}`)).join('\n');
  return { text, code: exitCodes.fine };
}

async function next(
  typed: readonly string[],
  targetsOf: () => Promise<readonly string[]>,
): Promise<readonly Candidate[]> {
  const [word = '', ...operands] = typed;
  const [current = '', before = ''] = typed.toReversed();
  if (takesFile.has(before)) return files;
  if (before === '--format') return words('md', 'json');
  if (current.startsWith('-')) return [...(optionsOf[word] ?? []), ...everywhere];
  if (operands.length === 0) return allGroups.flatMap(([, names]) => names.map(toCandidate));
  if (word === 'replay') return files;
  const own = operands.length === 1 ? (second[word] ?? []) : [];
  return aboutTargets.has(word) ? [...own, ...words(...(await targetsOf()))] : own;
}

function toCandidate(name: string): Candidate {
  return [name, terminalGuides[name]?.does ?? ''];
}
