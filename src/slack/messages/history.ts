import { durationOfSeconds } from '../../runbook/snapshot/words.ts';
import { causeOf } from '../../runbook/incident/chief-look.ts';
import type { Incident } from '../../runbook/incident/incident.ts';
import { checklist } from '../../runbook/incidents/checklist.ts';
import { causeWords } from '../../runbook/post-incident/report/title.ts';
import { notice } from './notice.ts';
import { sentence, topic } from './parts/lists.ts';
import { toMessage } from './parts/message.ts';
import type { Message } from './parts/message.ts';
import { between, bold, code, moment, plain } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';

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
  return [
    code(id),
    between(' '),
    bold(target),
    between(' '),
    day(openedAt),
    plain(`, ${facts.join(', ')}`),
  ];
}

/** Weeks lie between two incidents: the time of day alone would tell nothing. */
function day(iso: string): Leaf {
  const fallback = `${iso.slice(0, 16).replace('T', ' ')} UTC`;
  return { ...moment(iso), format: '{date_short_pretty} {time}', fallback };
}

function endOf({ state, openedAt, closing, mergedInto, checklist: ticks }: Incident): string {
  if (state === 'open') return 'still open';
  if (mergedInto !== null) return `a part of ${mergedInto}`;
  const ms = closing === null ? 0 : Date.parse(closing.at) - Date.parse(openedAt);
  return `over after ${durationOfSeconds(ms / 1000)}, checklist ${ticks.length} of ${checklist.length}`;
}
