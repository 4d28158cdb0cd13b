import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { isTrouble, troubles } from '../../runbook/diagnose/diagnosis-parts.ts';
import type { Finding } from '../../runbook/diagnose/diagnosis.ts';
import { checklist } from '../../runbook/incidents/incident.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { Advice, IncidentReport } from '../../runbook/reports/report.ts';
import { openItems } from '../../runbook/reports/reporter.ts';
import { describeOutcome } from '../../runbook/reports/to-markdown.ts';
import { durationOfSeconds, percent } from '../../runbook/snapshot/words.ts';
import { blockIds, checklistAction } from './kit/action-ids.ts';
import { actions } from './kit/button.ts';
import { header, plainText, slackLimits, smallPrint, toMessage } from './kit/message.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import {
  actorLeaf,
  between,
  bold,
  bullets,
  code,
  mentioning,
  moment,
  paragraph,
  plain,
  richText,
  titledList,
  withoutGroups,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { causeTitles, historyChart } from './status.ts';

/**
 * The runbook's five post-incident items. An open one is a box; a ticked one stands above with name and time and is
 * no box any more, so that nobody takes back silently what somebody says they did.
 */
export function checklistMessage(incident: Incident): Message {
  const open = openItems(incident);
  const { target, checklist: ticks } = incident;
  const done = checklist.length - open.length;
  const text = `Post-incident checklist of ${target}: ${done} of ${checklist.length} done`;
  const lines = checklist.flatMap(({ id, title }): Leaf[][] => {
    const tick = ticks.find(({ item }) => item === id);
    if (tick === undefined) return [];
    return [rich`${plain(`✓ ${title}`)}, ${actorLeaf(tick.by)} at ${moment(tick.at)}`];
  });
  return toMessage(text, [
    richText(paragraph([bold(text)]), ...(lines.length === 0 ? [] : [bullets(lines)])),
    ...boxes(incident.id, open),
  ]);
}

function boxes(id: string, open: ReturnType<typeof openItems>): MessageBlock[] {
  if (open.length === 0) return [];
  const options = open.map(({ id: item, title }) => ({
    text: plainText(title, slackLimits.optionCharacters),
    value: `${id}:${item}`,
  }));
  const boxes = { type: 'checkboxes', action_id: checklistAction, options } as const;
  return actions([boxes], blockIds.checklist);
}

/** A phone shows few lines; the file has all. */
const mostOfEach = 6;

/** What an incident was, for its thread: what a manager reads first, then the evidence. The file has all of it. */
export function reportMessage(report: IncidentReport): Message {
  const { title, incident, changes, remedies, prevention, gaps, graph } = report;
  return toMessage(title, [
    header(title),
    ...figures(report),
    ...causeList(report),
    ...titledList('What was done', remedies.slice(-mostOfEach).map(remedyLeaves)),
    ...titledList('How to prevent it', prevention.slice(0, mostOfEach).map(adviceLeaves)),
    ...historyChart({ history: graph, target: incident.target, isOver: true }),
    ...evidenceList(report),
    ...titledList('What changed just before', changes.slice(-mostOfEach).map(changeLeaves)),
    ...smallPrint([...gaps, `Show this again: /dbconn report ${incident.id}`]),
  ]);
}

function figures({ incident, phases }: IncidentReport): MessageBlock[] {
  const { openedAt, closing, peak, assignee } = incident;
  const until: Leaf[] =
    closing === null ? [plain(', not resolved yet')] : rich` to ${moment(closing.at)}`;
  const took = phases.flatMap(({ name, tookMs }) =>
    tookMs === null ? [] : [`${name} ${durationOfSeconds(tookMs / 1000)}`],
  );
  const lines: Leaf[][] = [
    rich`${bold('From')} ${moment(openedAt)}`.concat(until),
    peak === null
      ? rich`${bold('Peak:')} not seen`
      : rich`${bold('Peak:')} ${plain(
          `${peak.used} of ${peak.usable}${peak.usable === 0 ? '' : ` (${percent(peak.used / peak.usable)})`}`,
        )} at ${moment(peak.at)}`,
    assignee === null
      ? rich`${bold('Owner:')} none`
      : rich`${bold('Owner:')} ${actorLeaf(assignee.by)}`,
    ...(took.length === 0 ? [] : [rich`${bold('Time to:')} ${took.join(' · ')}`]),
  ];
  return [richText(bullets(lines))];
}

function causeList({ cause, trouble }: IncidentReport): MessageBlock[] {
  if (cause === null) {
    return trouble === null
      ? [richText(paragraph([bold('No check found a cause.')]))]
      : titledList(`Cause: ${titleOf(trouble)}`, [[plain(trouble.summary)]]);
  }
  const { cause: name, summary, confidence } = cause;
  return titledList(`Cause: ${causeTitles[name]}, ${percent(confidence)} sure`, [[plain(summary)]]);
}

/** Why it is put down to that, and what speaks against it. */
function evidenceList({ cause }: IncidentReport): MessageBlock[] {
  if (cause === null) return [];
  return titledList('Evidence', [
    ...cause.because.slice(0, mostOfEach).map((point): Leaf[] => [plain(point)]),
    ...cause.against.slice(0, mostOfEach).map((point) => rich`${bold('Against:')} ${point}`),
  ]);
}

/** None of the runbook's six has this name. */
function titleOf({ id }: Finding): string {
  return isTrouble(id) ? troubles[id] : 'another one';
}

function changeLeaves({ at, sentence }: IncidentReport['changes'][number]): Leaf[] {
  return rich`${moment(at)}: ${sentence}`;
}

function remedyLeaves(request: ApprovalRequest): Leaf[] {
  const { plan, proposedBy, votes, execution } = request;
  const approved = votes.flatMap(({ by, at }, index): Leaf[] => [
    between(index === 0 ? ', approved by ' : ', '),
    ...rich`${actorLeaf(by)} at ${moment(at)}`,
  ]);
  return [
    ...rich`${bold(plan.title)}. Proposed by ${actorLeaf(proposedBy)}`,
    ...approved,
    ...(execution === null ? [] : rich`. Run at ${moment(execution.startedAt)}`),
    ...rich`: `,
    ...withoutGroups(mentioning(describeOutcome(request))),
  ];
}

function adviceLeaves({ setting, now, better, because, command }: Advice): Leaf[] {
  return [
    ...rich`${bold(`${setting}:`)} ${plain(now === null ? `${better}.` : `${now} → ${better}.`)} ${because}`,
    ...(command === undefined ? [] : rich` ${code(`/dbconn ${command}`)}`),
  ];
}
