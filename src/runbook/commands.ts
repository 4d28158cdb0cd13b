import { nearest, unknownTarget } from './commands/nearest.ts';
import { parseIncident } from './commands/parse-incident.ts';
import type { IncidentCommand } from './commands/parse-incident.ts';
import { parseRecord, recordWords } from './commands/parse-record.ts';
import type { RecordCommand, RecordWord } from './commands/parse-record.ts';
import { parseEscalation } from './escalate/escalate.ts';
import type { EscalationAsk } from './escalate/escalate.ts';
import { parseWanted } from './remedies/wanted.ts';
import type { Wanted } from './remedies/wanted.ts';

/** The words of `/dbconn …` and of `dbconn …` in a terminal: one vocabulary for both. */
export const lookingWords = [
  'status',
  'sources',
  'sessions',
  'idle',
  'blocking',
  'pool',
  'logs',
  'causes',
  'doctor',
] as const;

export type LookingWord = (typeof lookingWords)[number];

/** Words that set something in motion: a proposal, a stop, a call for help. None changes a database by itself. */
export const changingWords = [
  'propose',
  'preview',
  'requests',
  'stop',
  'go',
  'break-glass',
  'escalate',
  'incident',
] as const;

export type ChangingWord = (typeof changingWords)[number];

/** What each word answers, in the runbook's order; help shows these lines. */
export const descriptions: Readonly<
  Record<LookingWord | ChangingWord | RecordWord | 'help', string>
> = {
  status: 'how full PostgreSQL is, who fills it, the likely cause and what to do',
  sources: 'connections by user, application, client and database',
  sessions: 'the oldest connections, transactions and queries',
  idle: 'sessions idle in transaction, and where they come from',
  blocking: 'who waits for whom, and the root blockers',
  pool: "the applications' pools, and the budget of who may open how many",
  logs: 'what the logs say about connections',
  causes: "the runbook's six causes, with the evidence for and against",
  doctor: 'whether dbconn can see and reach what it needs, and how to mend it',
  propose: 'one of the options below; it runs after an approval',
  preview: 'the plan of one of them, for you alone; nothing is recorded',
  requests: 'what is proposed or running',
  stop: '[reason]: stop all changes, now and until go; anybody may',
  go: '[reason]: let changes run again; an approver may',
  'break-glass': 'ID REASON: run a proposal without its votes, where that is configured',
  escalate: '[database-admins|backend-lead|on-call] REASON: ask them for help',
  incident: 'the open incidents, and what can be done with one: see below',
  history: 'the incidents that were',
  report: 'ID or target: what an incident was',
  prevention: "the runbook's settings against reality, and what to change",
  help: 'these words',
};

/** Words people try because other tools have them, and what to do instead. */
const notHere: Readonly<Record<string, string>> = {
  approve: 'Approve with the button of the proposal, in Slack.',
  deny: 'Deny with the button of the proposal, in Slack.',
};

export type Command =
  | { readonly kind: 'look'; readonly word: LookingWord; readonly target: string }
  | {
      readonly kind: 'propose';
      readonly wanted: Wanted;
      readonly target: string;
      /** Shows the plan and records nothing. */
      readonly isPreview: boolean;
    }
  | { readonly kind: 'stop' | 'go'; readonly reason: string }
  | { readonly kind: 'requests' }
  | { readonly kind: 'break-glass'; readonly id: string; readonly reason: string }
  | { readonly kind: 'escalate'; readonly ask: EscalationAsk; readonly target: string }
  | IncidentCommand
  | RecordCommand
  | { readonly kind: 'help'; readonly problem?: string };

/**
 * Reads what stands after `/dbconn`. Nothing given means `status` of the only (or first) target.
 * Unknown words and targets become help that names the nearest match; nothing here throws.
 */
export function parseCommand(text: string, targets: readonly string[]): Command {
  const [, word = 'status', rest = ''] = /^(\S+)\s*([^]*)$/.exec(text.trim()) ?? [];
  const lower = word.toLowerCase();
  switch (lower) {
    case 'help':
      return { kind: 'help' };
    case 'propose':
    case 'preview':
      return parseProposal(rest, targets, lower === 'preview');
    case 'cancel':
    case 'kill':
      return parseProposal(`${lower} ${rest}`, targets, false);
    case 'stop':
    case 'go':
      return { kind: lower, reason: rest };
    case 'requests':
      return { kind: 'requests' };
    case 'break-glass':
      return parseException(rest);
    case 'escalate':
      return parseCallForHelp(rest, targets);
    case 'incident':
    case 'incidents':
      return orHelp(parseIncident(rest, targets));
    case 'history':
    case 'report':
    case 'prevention':
      return orHelp(parseRecord(lower, rest, targets));
    default:
      return parseLook(lower, rest, targets);
  }
}

function parseException(text: string): Command {
  const [, id = '', reason = ''] = /^(\S*)\s*([^]*)$/.exec(text.trim()) ?? [];
  if (id === '' || id.length > 100) {
    return help('Say which request, by the id at the foot of its card, and why.');
  }
  return { kind: 'break-glass', id, reason };
}

function parseLook(lower: string, text: string, targets: readonly string[]): Command {
  const looking = lookingWords.find((known) => known === lower);
  if (looking === undefined) return help(unknownWord(lower, targets));
  const [target, ...rest] = text.split(/\s+/).filter(Boolean);
  if (rest.length > 0) return help('That is more than a word and a target.');
  if (target === undefined) return { kind: 'look', word: looking, target: targets[0] ?? '' };
  return targets.includes(target)
    ? { kind: 'look', word: looking, target }
    : help(unknownTarget(target, targets));
}

/** Slack's own clients turn the two hyphens into a dash. */
const dryRun = /(?:^|\s)(?:--|[—–])dry-run(?=\s|$)/gi;

function parseProposal(text: string, targets: readonly string[], previewed: boolean): Command {
  const words = text.replaceAll(dryRun, ' ');
  const isPreview = previewed || words !== text;
  const { wanted, target, problem } = parseWanted(words, targets);
  if (problem !== undefined) return help(problem);
  if (target !== undefined && !targets.includes(target)) {
    return help(unknownTarget(target, targets));
  }
  const [only = '', ...others] = targets;
  // A look at the wrong target costs nothing; a change of it may.
  if (target === undefined && others.length > 0) {
    return help(`There are several targets, so name one at the end: ${targets.join(', ')}.`);
  }
  return { kind: 'propose', wanted, target: target ?? only, isPreview };
}

/** With several targets the one it is about may stand before the reason; the first is meant otherwise. */
function parseCallForHelp(text: string, targets: readonly string[]): Command {
  const ask = parseEscalation(text);
  const [first = '', ...rest] = ask.reason.split(/\s+/);
  return targets.length > 1 && targets.includes(first)
    ? { kind: 'escalate', ask: { ...ask, reason: rest.join(' ') }, target: first }
    : { kind: 'escalate', ask, target: targets[0] ?? '' };
}

function help(problem: string): Command {
  return { kind: 'help', problem };
}

function orHelp(parsed: Command | string): Command {
  return typeof parsed === 'string' ? help(parsed) : parsed;
}

function unknownWord(word: string, targets: readonly string[]): string {
  if (Object.hasOwn(notHere, word)) return notHere[word] ?? '';
  const near = nearest(word, [
    ...lookingWords,
    ...changingWords,
    ...recordWords,
    'incidents',
    'cancel',
    'kill',
    'help',
  ]);
  if (near !== undefined) return `There is no such word. Did you mean ${near}?`;
  return targets.includes(word)
    ? 'A word comes before the target, such as status.'
    : 'There is no such word.';
}
