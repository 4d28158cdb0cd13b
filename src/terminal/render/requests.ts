import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { causeOf } from '../../runbook/incidents/incident.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { Commands } from '../../runbook/remedies/by-hand/hand-off.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import type { StepProgress } from '../../runbook/remedies/remedy.ts';
import type { Prevention, PreventionCheck } from '../../runbook/reports/report.ts';
import { durationOfSeconds } from '../../runbook/snapshot/words.ts';
import { shown, wrap } from './layout.ts';
import type { Paint, Tone } from './layout.ts';
import { toTable } from './table.ts';
import type { Column } from './table.ts';
import { withoutMentions } from './plan.ts';

/** What a person runs, to copy: no command is wrapped. */
export function renderCommands(id: string, { notes, commands }: Commands, paint: Paint): string {
  return [
    paint('bold', 'Run this by hand:'),
    ...notes.map((note) => wrap(note)),
    ...commands.flatMap((command) => ['', command]),
    '',
    wrap(`Then confirm it: dbconn ran ${id}, or “I ran it” in Slack.`),
  ].join('\n');
}

const incidentColumns: readonly Column[] = [
  { title: 'incident', width: 14 },
  { title: 'target', width: 12 },
  { title: 'opened (UTC)', width: 18 },
  { title: 'lasted', width: 12, drop: 1 },
  { title: 'state', width: 10 },
  { title: 'what', width: 32 },
];

interface Listing {
  readonly title: string;
  /** What stands there when there is none. */
  readonly none: string;
  readonly nowMs: number;
  readonly paint: Paint;
}

/** Incidents as a table, in the order given. */
export function renderIncidents(
  incidents: readonly Incident[],
  { title, none, nowMs, paint }: Listing,
): string {
  if (incidents.length === 0) return none;
  const rows = incidents.map((incident) => [
    incident.id,
    incident.target,
    incident.openedAt.slice(0, 16).replace('T', ' '),
    durationOfSeconds((endOf(incident, nowMs) - Date.parse(incident.openedAt)) / 1000),
    incident.state,
    toWhat(incident),
  ]);
  return [paint('bold', title), toTable(incidentColumns, rows)].join('\n');
}

/** One that was just opened, or joined. */
export function renderOpened({ id, target, openedAt }: Incident): string {
  return wrap(
    `Incident ${id} of ${target} is open since ${openedAt}. The bot on this journal now checks the target, posts in the channel and escalates.`,
  );
}

function endOf({ closing }: Incident, nowMs: number): number {
  return closing === null ? nowMs : Date.parse(closing.at);
}

function toWhat(incident: Incident): string {
  const { last, first, mergedInto, assignee } = incident;
  if (mergedInto !== null) return `part of ${mergedInto}`;
  const latest = last ?? first;
  const cause = causeOf(incident);
  const holder = assignee === null ? '' : `, owner ${withoutMentions(assignee.by.id)}`;
  const what = cause?.replaceAll('-', ' ') ?? latest?.headline ?? 'not checked yet';
  return `${what}${holder}`;
}

const requestColumns: readonly Column[] = [
  { title: 'request', width: 14 },
  { title: 'state', width: 11 },
  { title: 'votes', width: 7 },
  { title: 'until (UTC)', width: 12, drop: 1 },
  { title: 'what', width: 54 },
];

/** What is proposed or running, oldest first. */
export function renderRequests(open: readonly ApprovalRequest[], paint: Paint): string {
  if (open.length === 0) return 'No request is open. dbconn status shows what can be proposed.';
  const rows = open.map(({ id, state, votes, votesNeeded, expiresAt, option, target, plan }) => [
    id,
    state,
    `${votes.length}/${votesNeeded}`,
    state === 'proposed' ? expiresAt.slice(11, 19) : null,
    `${nameOf(option)} for ${target}: ${plan.title}`,
  ]);
  return [paint('bold', 'Open requests'), toTable(requestColumns, rows)].join('\n');
}

/** One step of a change that runs in this process, as it happens. */
export function renderStep(update: StepProgress): string {
  const marks = { intended: '▶', done: '✓', progress: ' ', note: ' ' } as const;
  return wrap(`${update.at.slice(11, 19)} ${marks[update.kind]} ${update.sentence}`);
}

/** How it ended, and whether it helped. */
export function renderEnd({ state, result, closing }: ApprovalRequest, paint: Paint): string {
  if (result === null) return wrap(closing?.sentence ?? `It is ${state}.`);
  const { report, outcome } = result;
  const troubled = report.items.filter(
    ({ outcome: word }) => word === 'failed' || word === 'refused',
  );
  return [
    wrap(report.summary),
    ...troubled.map(({ what, outcome: word, detail }) => wrap(`${what}: ${word}. ${detail}`, '  ')),
    ...(outcome === null
      ? []
      : [`${paint('bold', outcome.word)}: ${wrap(outcome.sentence).trimStart()}`]),
  ].join('\n');
}

const partTitles: Readonly<Record<PreventionCheck['part'], string>> = {
  application: 'Applications',
  postgresql: 'PostgreSQL',
  pooler: 'Pooler',
};

const preventionMarks: Readonly<
  Record<PreventionCheck['state'], readonly [sign: string, tone: Tone]>
> = {
  ok: ['✓', 'green'],
  advice: ['!', 'yellow'],
  unknown: ['?', 'dim'],
};

/** The runbook's Prevention section against reality. */
export function renderPrevention({ target, lookedAt, checks }: Prevention, paint: Paint): string {
  const parts = (['application', 'postgresql', 'pooler'] as const).flatMap((part) => {
    const own = checks.filter((check) => check.part === part);
    if (own.length === 0) return [];
    return ['', paint('bold', partTitles[part]), ...own.map((check) => renderCheck(check, paint))];
  });
  return [`${paint('bold', `Prevention for ${target}`)}, checked at ${lookedAt}`, ...parts].join(
    '\n',
  );
}

function renderCheck(check: PreventionCheck, paint: Paint): string {
  const { setting, now, better, because, command, state } = check;
  const [sign, tone] = preventionMarks[state];
  const figures = state === 'ok' ? (now ?? 'ok') : `${now ?? 'unknown'} → ${better}`;
  return [
    `${paint(tone, shown(sign))} ${wrap(`${setting}: ${figures}`)}`,
    wrap(withoutMentions(because), '    '),
    ...(command === undefined ? [] : [wrap(`dbconn ${command}`, '    ')]),
  ].join('\n');
}
