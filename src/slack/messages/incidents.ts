import { causeOf, checklist } from '../../runbook/incidents/incident.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import { causeWords } from '../../runbook/reports/write-report.ts';
import { durationOfSeconds } from '../../runbook/snapshot/words.ts';
import { sentence, topic } from './diagnosis-parts.ts';
import { incidentTitle } from './incident-facts.ts';
import { toMessage } from './kit/message.ts';
import type { Message } from './kit/message.ts';
import {
  actorLeaf,
  between,
  bold,
  code,
  day,
  moment,
  paragraph,
  plain,
  richText,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { notice } from './notice.ts';

/** The latest incidents, newest first. */
export function historyMessage(incidents: readonly Incident[], target: string | null): Message {
  const of = target === null ? '' : ` of ${target}`;
  if (incidents.length === 0) {
    return notice(`No incident${of} is recorded yet. /dbconn incidents lists open incidents.`);
  }
  const line = `The latest ${incidents.length === 1 ? 'incident' : `${incidents.length} incidents`}${of}`;
  return toMessage(line, [
    topic(line, incidents.map(pastIncidentLeaves)),
    sentence('Show one with /dbconn report and its id.'),
  ]);
}

function pastIncidentLeaves(incident: Incident): Leaf[] {
  const { id, target, openedAt, peak } = incident;
  const cause = causeOf(incident);
  const facts = [
    ...(peak === null ? [] : [`peak ${peak.used} of ${peak.usable}`]),
    cause === null ? 'no cause found' : causeWords[cause],
    endOf(incident),
  ];
  return rich`${code(id)} ${bold(target)} ${day(openedAt, ' ')}${plain(`: ${facts.join(' · ')}`)}`;
}

function endOf({ state, openedAt, closing, mergedInto, checklist: ticks }: Incident): string {
  if (state === 'open') return 'still open';
  if (mergedInto !== null) return `merged into ${mergedInto}`;
  const ms = closing === null ? 0 : Date.parse(closing.at) - Date.parse(openedAt);
  return `resolved after ${durationOfSeconds(ms / 1000)}, ${ticks.length} of ${checklist.length} checklist items done`;
}

/** The open incidents, and how to go on with one. */
export function incidentsMessage(open: readonly Incident[]): Message {
  if (open.length === 0)
    return notice('No incident is open. /dbconn history lists past incidents.');
  const line = `${open.length} open ${open.length === 1 ? 'incident' : 'incidents'}`;
  return toMessage(line, [
    topic(line, open.map(incidentLeaves)),
    sentence('Use the buttons of its message, or /dbconn help incident.'),
  ]);
}

/** The answer to the person who silenced it. */
export function silencedMessage({ target, silence }: Incident): Message {
  const line = `The incident of ${target} is silenced.`;
  const until = silence === null ? [] : rich` No escalations until ${day(silence.until)}.`;
  return toMessage(line, [richText(paragraph([plain(line), ...until]))]);
}

function incidentLeaves(incident: Incident): Leaf[] {
  const { id, openedAt, assignee, silence } = incident;
  const { mark, line } = incidentTitle({
    incident,
    diagnosis: null,
    requests: [],
    ineffective: [],
  });
  return [
    code(id),
    between(` ${mark} `),
    ...rich`${bold(line)} Open since ${moment(openedAt)}, `,
    ...(assignee === null ? [plain('no owner')] : rich`owner ${actorLeaf(assignee.by)}`),
    ...(silence === null ? [] : rich`${plain(', silenced until')} ${moment(silence.until)}`),
  ];
}
