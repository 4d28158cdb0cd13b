import { groups, guides, toWord } from '../../runbook/commands/words.ts';
import type { Guide } from '../../runbook/commands/words.ts';

/** Words of the terminal alone, beside those it shares with Slack. */
const ownGuides: Readonly<Record<string, Guide>> = {
  deny: {
    does: 'deny or withdraw a request',
    forms: [['deny ID [REASON]', 'approving is done in Slack']],
    examples: [
      ['deny r4k2', 'nothing of request r4k2 runs'],
      ['deny r4k2 wrong service', 'and says why'],
    ],
  },
  commands: {
    does: 'what to run by hand for an approved request',
    forms: [['commands ID', 'where dbconn cannot run it itself']],
    examples: [
      ['commands r4k2', 'prints the commands'],
      ['ran r4k2', 'records that you ran them'],
    ],
  },
  ran: {
    does: 'record that you ran it; dbconn checks again',
    forms: [['ran ID', 'for a request that was run by hand']],
    examples: [
      ['ran r4k2', 'checks whether it helped'],
      ['commands r4k2', 'prints the commands again'],
    ],
  },
  approve: {
    does: 'run a request alone, with --break-glass',
    forms: [
      ['approve ID --break-glass --reason TEXT', 'for users of this machine that dbconn.yml names'],
    ],
    examples: [
      ["approve r4k2 --break-glass --reason 'Slack is down'", 'runs request r4k2'],
      ['requests', 'shows the ids of requests'],
    ],
  },
  journal: {
    does: 'verify or export the journal',
    forms: [
      ['journal verify [--head HASH] [--heads FILE]', 'exit status 2 where it was changed'],
      ['journal export [ID] [--format md|json]', 'all, or one request or incident'],
    ],
    examples: [
      ['journal verify --heads heads.txt', 'compares it with heads from Slack'],
      ['journal export inc-0abc1234', 'exports one incident'],
    ],
  },
  bundle: {
    does: 'write all evidence of an incident to a file',
    forms: [['bundle ID [--out FILE]', 'a new file, sealed by its hash']],
    examples: [
      ['bundle inc-0abc1234', 'writes inc-0abc1234.bundle.json'],
      ['history', 'shows the ids of incidents'],
    ],
  },
  replay: {
    does: 'judge a bundle by the rules of today',
    forms: [['replay FILE [--head HASH] [--json]', 'exit status 1 where something differs']],
    examples: [
      ['replay inc-0abc1234.bundle.json', 'needs no database'],
      ['replay x.json --head HASH', 'refuses a file with another head'],
    ],
  },
  config: {
    does: 'check dbconn.yml, or print its schema',
    forms: [
      ['config check [FILE]', 'every problem at once; asks no database'],
      ['config schema', 'its JSON Schema, for editors'],
    ],
    examples: [
      ['config check', 'checks dbconn.yml with the environment'],
      ['config check other.yml', 'checks another file'],
    ],
  },
  mcp: {
    does: 'the read-only words, for an MCP client',
    forms: [['mcp [--config FILE]', 'started by the client, over standard input']],
    examples: [
      ['mcp', 'serves status, causes, logs and more'],
      ['mcp --config prod.yml', 'for the targets of another file'],
    ],
  },
  completion: {
    does: 'tab completion for bash, zsh or fish',
    forms: [['completion bash|zsh|fish', 'a script to source']],
    examples: [
      ['completion bash', 'in ~/.bashrc: source <(dbconn completion bash)'],
      ['completion fish | source', 'in config.fish'],
    ],
  },
};

export const terminalGuides: Readonly<Record<string, Guide>> = { ...guides, ...ownGuides };

export const allGroups: readonly (readonly [title: string, words: readonly string[]])[] = [
  ...groups,
  ['In a terminal only', Object.keys(ownGuides)],
];

/** The word as help knows it; undefined where there is none such. */
export function wordOf(typed: string): string | undefined {
  return toWord(typed) ?? (Object.hasOwn(ownGuides, typed) ? typed : undefined);
}

/** All words. Every line fits sixty columns: this loads nothing that could break one. */
export function renderHelp(): string {
  return [
    'Usage: dbconn [WORD] [TARGET] [OPTION]...',
    ...allGroups.flatMap(([title, words]) => [
      '',
      title,
      ...words.map((word) => `  ${word.padEnd(11)} ${terminalGuides[word]?.does ?? ''}`),
    ]),
    '',
    'Options',
    '  --json        the answer as JSON',
    '  --watch       check every two seconds, with keys',
    '  --dry-run     with propose: the plan, as preview shows it',
    '  --config FILE instead of dbconn.yml',
    '  --version     the version of dbconn',
    '',
    'dbconn help WORD explains a word, with examples.',
    'Without dbconn.yml, DATABASE_URL names the database.',
    'Exit status: 0 fine, 1 warning, 2 critical, 3 unknown.',
  ].join('\n');
}

/** One word: what it does, how it is typed, and two examples. */
export function renderGuide(word: string): string {
  const { does, forms, examples } = terminalGuides[word] ?? guides.help;
  const lines = (part: Guide['forms']): string[] =>
    part.flatMap(([typed, what]) => [`  dbconn ${typed}`, `      ${what}`]);
  return [
    `${word}: ${does}`,
    '',
    'Usage',
    ...lines(forms),
    '',
    'Examples',
    ...lines(examples),
  ].join('\n');
}
