import type { Actor, ApprovalRequest } from '../approvals/request.ts';
import { isTrouble, troubles } from '../diagnose/diagnosis-parts.ts';
import type { Finding } from '../diagnose/diagnosis.ts';
import { actorName, checklist } from '../incidents/incident.ts';
import { outcomeWords } from '../incidents/record-request.ts';
import { cleanUntrusted } from '../snapshot/redaction/redact-text.ts';
import { capital, durationOfSeconds, percent } from '../snapshot/words.ts';
import { clock, drawSlots } from './report.ts';
import type { IncidentReport } from './report.ts';

/** Longer than this a sentence is no sentence; what is cut ends in an ellipsis. */
const longestText = 600;
const longestCode = 300;

/** People and groups as Slack's sentences have them. */
const mention = /<@([UW][A-Z0-9]+)>|<!subteam\^(S[A-Z0-9]+)>/g;

/** Names of people by their Slack ids, where somebody knows them. */
type Names = ReadonlyMap<string, string>;

/**
 * A sentence as Markdown shows it: nothing in it is markup, a link or a heading, no matter who wrote it. Mentions become
 * `@Maya`, or the id where the name is not known.
 */
export function text(sentence: string, names: Names = new Map()): string {
  const named = sentence.replace(mention, (_, user: string | undefined, group: string) =>
    nameOf(user ?? group, names),
  );
  return escape(cleanUntrusted(named, longestText));
}

function nameOf(id: string, names: Names): string {
  return `@${names.get(id) ?? id}`;
}

/** Backslashes before everything that begins markup somewhere, and before what GitHub makes links and mentions of. */
function escape(line: string): string {
  return line
    .replace(/[\\`*{}[\]<>|~$!&]|#(?=\d)|(?<!\w)_|_(?!\w)/g, '\\$&')
    .replace(/^([-+=#]|\d+[.)])/, '\\$1')
    .replace(/:(?=\/\/)/g, '\\:')
    .replace(/\bwww\./gi, (found) => `${found.slice(0, -1)}\\.`)
    .replace(/(?<=\w)@(?=\w)/g, '\\@');
}

/** Text from elsewhere, or something to type: as it is, and never interpreted. One line, also within a table. */
export function code(untrusted: string): string {
  const clean = cleanUntrusted(untrusted, longestCode);
  if (clean === '') return '–';
  const runs = clean.match(/`+/g) ?? [];
  const fence = '`'.repeat(Math.max(0, ...runs.map(({ length }) => length)) + 1);
  const padded = /^`|`$|^ .* $/.test(clean) ? ` ${clean} ` : clean;
  return `${fence}${padded.replaceAll(/(\\*)\|/g, toGuardedPipe)}${fence}`;
}

/** GitHub splits a table's row even within code, at each one that an odd number of backslashes does not guard. */
function toGuardedPipe(_: string, slashes: string): string {
  return `${slashes}${slashes.length % 2 === 0 ? '\\' : '\\\\'}|`;
}

/** A table; nothing where there are no rows. Cells are Markdown already. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line), ''];
}

/** What became of a request, in a sentence of figures and configured names. */
export function describeOutcome(request: ApprovalRequest): string {
  const by = request.handOff?.ranBy?.by;
  const became = whatBecame(request);
  return by === undefined ? became : `Run by ${actorName(by)} by hand: ${became}`;
}

function whatBecame({ state, result, closing, votes, votesNeeded }: ApprovalRequest): string {
  if (result?.outcome) {
    return `${capital(outcomeWords[result.outcome.word])}. ${result.outcome.sentence}`;
  }
  if (result) return result.report.summary;
  if (closing !== null) return closing.sentence;
  if (state === 'handed') return 'Approved. Not confirmed yet as run by hand.';
  return state === 'proposed'
    ? `Waiting for approval, ${votes.length} of ${votesNeeded} votes.`
    : `Still ${state}.`;
}

/** More lines than these nobody reads; the journal has them all. */
const mostTimeline = 100;
const mostSteps = 20;

/**
 * A report as a Markdown file that people keep: first what a manager reads, below the line what it rests on. Text from elsewhere stands as code and is never interpreted.
 * @param names people by their Slack ids; who is missing is shown by the id
 */
export function toMarkdown(report: IncidentReport, names: Names = new Map()): string {
  const lines = [
    `# ${text(report.title)}`,
    '',
    ...summary(report, names),
    ...section('Cause', cause(report)),
    ...section('What was done', done(report, names)),
    ...section('How long it took', phases(report)),
    ...section('How to prevent it', prevention(report)),
    ...section('Follow-up', todo(report, names)),
    '---',
    '',
    ...section('Used connections', graph(report)),
    ...section('Evidence', evidence(report)),
    ...section(
      'What changed just before',
      report.changes.map(({ at, sentence }) => `- ${clock(at)} UTC: ${text(sentence)}`),
    ),
    ...section('Requests in detail', remedies(report, names)),
    ...section('Timeline', timeline(report, names)),
    ...section(
      'What is not known',
      report.gaps.map((gap) => `- ${text(gap)}`),
    ),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0
    ? []
    : [`## ${title}`, '', ...lines, ...(lines.at(-1) === '' ? [] : [''])];
}

function summary({ incident }: IncidentReport, names: Names): string[] {
  const { id, target, openedAt, closing, severity, peak, assignee, reopenedAt } = incident;
  const rows: (readonly [string, string])[] = [
    ['Target', text(target)],
    ['Opened', moment(openedAt)],
    ['Resolved', closing === null ? 'not yet' : moment(closing.at)],
    ['Severity', severity],
    ['Peak', peak === null ? 'not seen' : peakText(peak)],
    ['Owner', assignee === null ? 'none' : who(assignee.by, names)],
    ...(reopenedAt.length === 0 ? [] : [['Reopened', reopenedAt.map(moment).join(', ')] as const]),
    ...(closing === null ? [] : [['Ended', text(closing.sentence, names)] as const]),
    ...(closing === null || closing.reason === null
      ? []
      : [['Reason given', code(closing.reason)] as const]),
  ];
  return table(['Incident', text(id)], rows);
}

function peakText({ at, used, usable }: { at: string; used: number; usable: number }): string {
  const share = usable === 0 ? '' : `, ${percent(used / usable)}`;
  return `${used} of ${usable} usable connections${share}, at ${clock(at)} UTC`;
}

function graph({ graph: points }: IncidentReport): string[] {
  const drawn = drawSlots(points);
  if (drawn.length === 0) return ['Too few checks for a chart.'];
  return [
    ...drawn,
    '',
    'Used connections. The top line is the number of usable connections. Times are UTC.',
  ];
}

function phases({ phases: measured }: IncidentReport): string[] {
  const meaning: Readonly<Record<string, string>> = {
    detect: 'from the first sign until the incident opened',
    acknowledge: 'from the opening until it had an owner',
    'first change': 'from the opening until the first change ran',
    resolve: 'from the opening until it was resolved',
  };
  return table(
    ['Time to', 'Took', ''],
    measured.map(({ name, tookMs }) => [
      text(name),
      tookMs === null ? 'not seen' : durationOfSeconds(tookMs / 1000),
      meaning[name] ?? 'from the opening',
    ]),
  );
}

function cause({ cause: found, trouble }: IncidentReport): string[] {
  if (found === null) return trouble === null ? [noCause] : writeTrouble(trouble);
  const { summary: sentence, confidence } = found;
  return [`${text(sentence)} Confidence: ${percent(confidence)}.`];
}

/** For and against the cause. */
function evidence({ cause: found }: IncidentReport): string[] {
  if (found === null) return [];
  return [
    ...found.because.map((point) => `- For: ${text(point)}`),
    ...found.against.map((point) => `- Against: ${text(point)}`),
  ];
}

const noCause = 'No check found a cause.';

function writeTrouble({ id, summary: sentence, fix }: Finding): string[] {
  const name = isTrouble(id) ? troubles[id] : id;
  const next = fix === undefined ? [] : ['', text(fix)];
  return [`${capital(name)}: ${text(sentence)}`, ...next];
}

/** A line for each, what came of it included. */
function done({ remedies: requests }: IncidentReport, names: Names): string[] {
  if (requests.length === 0) return ['No remedy was proposed.'];
  return requests.map(
    (request) => `- ${text(request.plan.title)}: ${text(describeOutcome(request), names)}`,
  );
}

function remedies({ remedies: requests }: IncidentReport, names: Names): string[] {
  return requests.flatMap((request) => [...remedy(request, names), '']);
}

function remedy(request: ApprovalRequest, names: Names): string[] {
  const { id, plan, proposedBy, proposedAt, votes, brokenGlass } = request;
  const steps = plan.steps
    .slice(0, mostSteps)
    .map((step, index) => `  ${index + 1}. ${text(step)}`);
  const more = plan.steps.length - steps.length;
  return [
    `### ${text(plan.title)}`,
    '',
    `- Request ${code(id)}, proposed by ${signer(proposedBy, names)} at ${clock(proposedAt)}; ${plan.targets.length} planned, ${plan.skippedTotal} skipped.`,
    ...(plan.subject === null ? [] : [`- About ${code(plan.subject)}.`]),
    '- Plan:',
    ...steps,
    ...(more > 0 ? [`  ${mostSteps + 1}. and ${more} more steps`] : []),
    ...votes.map(
      ({ by, at, reason }) =>
        `- Approved by ${signer(by, names)} at ${clock(at)}${reason === null ? '' : `: ${code(reason)}`}`,
    ),
    ...(brokenGlass === null
      ? []
      : [
          `- Run without the required votes by ${signer(brokenGlass.by, names)} at ${clock(brokenGlass.at)}: ${code(brokenGlass.reason)}`,
        ]),
    `- Outcome: ${text(describeOutcome(request), names)}`,
  ];
}

function prevention({ prevention: advice }: IncidentReport): string[] {
  if (advice.length === 0) return ['Nothing that can be computed from these checks.'];
  return table(
    ['Setting', 'Was', 'Better', 'Because', 'Propose'],
    advice.map(({ setting, now, better, because, command }) => [
      text(setting),
      now === null ? 'not known' : text(now),
      text(better),
      text(because),
      command === undefined ? '–' : code(`/dbconn ${command}`),
    ]),
  );
}

function timeline({ timeline: notes, incident }: IncidentReport, names: Names): string[] {
  const day = incident.openedAt.slice(0, 10);
  const shown = notes.slice(0, mostTimeline);
  const rows = shown.map(({ at, sentence, quote, by }) => [
    // A day later the time of day alone would mislead.
    at.slice(0, 10) === day ? clock(at) : `${at.slice(5, 10)} ${clock(at)}`,
    [
      text(sentence ?? '', names),
      ...(quote === null || quote === undefined ? [] : [code(quote)]),
    ].join(' '),
    by === undefined ? '' : who(by, names),
  ]);
  const more = notes.length - shown.length;
  return [
    ...table(['UTC', 'What', 'Who'], rows),
    ...(more > 0 ? [`And ${more} more in the journal.`] : []),
  ];
}

function todo({ incident }: IncidentReport, names: Names): string[] {
  return checklist.map(({ id, title }) => {
    const tick = incident.checklist.find(({ item }) => item === id);
    return tick === undefined
      ? `- [ ] ${title}`
      : `- [x] ${title} (${who(tick.by, names)}, ${moment(tick.at)})`;
  });
}

function who({ id, via }: Actor, names: Names): string {
  if (via === 'slack') return text(nameOf(id, names));
  return via === 'timer' ? 'dbconn' : `somebody at the ${via}`;
}

/** Who decided, for good: a name in Slack is its owner's to change, and another person may have the same. */
function signer(actor: Actor, names: Names): string {
  const { id, via } = actor;
  return via === 'slack' && names.has(id) ? `${who(actor, names)} (${id})` : who(actor, names);
}

/** `2026-11-23 03:04:05 UTC`. */
function moment(iso: string): string {
  return `${iso.slice(0, 10)} ${clock(iso)} UTC`;
}
