import type { Incident } from '../../runbook/incident/incident.ts';
import { notice } from './notice.ts';
import { incidentTitle } from './incident-facts.ts';
import { sentence, topic } from './parts/lists.ts';
import { actorLeaf } from './parts/mentions.ts';
import { toMessage } from './parts/message.ts';
import type { Message } from './parts/message.ts';
import { between, bold, code, moment, plain } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';

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
    bold(line),
    between(' since '),
    moment(openedAt),
    between(', '),
    ...(assignee === null ? [plain('nobody has it')] : [actorLeaf(assignee.by), plain(' has it')]),
    ...(silence === null ? [] : [plain(', silenced until'), between(' '), moment(silence.until)]),
  ];
}
