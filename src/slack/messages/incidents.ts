import { causeOf, checklist } from '../../runbook/incidents/incident.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import { causeWords } from '../../runbook/reports/write-report.ts';
import { durationOfSeconds } from '../../runbook/snapshot/words.ts';
import { sentence, topic } from './diagnosis-parts.ts';
import { incidentTitle } from './incident-facts.ts';
import { toMessage } from './kit/message.ts';
import type { Message } from './kit/message.ts';
import { actorLeaf, between, bold, code, day, moment, plain, rich } from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { notice } from './notice.ts';

/** The latest incidents, newest first. */
export function historyMessage(incidents: readonly Incident[], target: string | null): Message {
  const of = target === null ? '' : ` of ${target}`;
  if (incidents.length === 0) return notice(`There is no incident${of} on record.`);
  const line = `The latest ${incidents.length === 1 ? 'incident' : `${incidents.length} incidents`}${of}`;
  return toMessage(line, [
    topic(line, incidents.map(pastIncidentLeaves)),
    sentence('What one of them was: /dbconn report and its id.'),
  ]);
}

function pastIncidentLeaves(incident: Incident): Leaf[] {
  const { id, target, openedAt, peak } = incident;
  const cause = causeOf(incident);
  const facts = [
    ...(peak === null ? [] : [`peak ${peak.used} of ${peak.usable}`]),
    cause === null ? 'cause not found' : causeWords[cause],
    endOf(incident),
  ];
  return rich`${code(id)} ${bold(target)} ${day(openedAt, ' ')}${plain(`, ${facts.join(', ')}`)}`;
}

function endOf({ state, openedAt, closing, mergedInto, checklist: ticks }: Incident): string {
  if (state === 'open') return 'still open';
  if (mergedInto !== null) return `a part of ${mergedInto}`;
  const ms = closing === null ? 0 : Date.parse(closing.at) - Date.parse(openedAt);
  return `over after ${durationOfSeconds(ms / 1000)}, checklist ${ticks.length} of ${checklist.length}`;
}

/** The open incidents, and how to go on with one. */
export function incidentsMessage(open: readonly Incident[]): Message {
  if (open.length === 0) return notice('No incident is open.');
  const line = `${open.length} open ${open.length === 1 ? 'incident' : 'incidents'}`;
  return toMessage(line, [
    topic(line, open.map(incidentLeaves)),
    sentence('What can be done with one: /dbconn help, or the buttons of its message.'),
  ]);
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
    ...rich`${bold(line)} since ${moment(openedAt)}, `,
    ...(assignee === null ? [plain('nobody has it')] : [actorLeaf(assignee.by), plain(' has it')]),
    ...(silence === null ? [] : rich`${plain(', silenced until')} ${moment(silence.until)}`),
  ];
}
