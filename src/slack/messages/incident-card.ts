import type { KeptNote } from '../../runbook/incidents/incident-log.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { IncidentView } from '../../runbook/incidents/incidents.ts';
import { holdersTable, sentence } from './diagnosis-parts.ts';
import { findingsList, linksLine, provenanceLines, reachNotice } from './frame.ts';
import { incidentButtons } from './incident-buttons.ts';
import type { IncidentOffers } from './incident-buttons.ts';
import { callsList, incidentState, incidentTitle, silenceNotice } from './incident-facts.ts';
import { endingList, ledgerLine, remediesList, requestsList } from './incident-remedies.ts';
import { header, smallPrint, toMessage } from './kit/message.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import {
  bullets,
  mentioning,
  moment,
  paragraph,
  quote,
  richText,
  toMentioningMessage,
  withoutGroups,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';

/** What an incident's message shows beside the incident. */
interface IncidentScene extends IncidentOffers {
  /** Where the cards of requests stand, by request. */
  readonly links?: ReadonlyMap<string, string>;
  /** It replaces a message that was deleted. */
  readonly isAnew: boolean;
}

export interface WrittenIncident {
  readonly message: Message;
  /** The same for two messages that differ in the time of the look alone. */
  readonly contentKey: string;
}

/**
 * The live message of an incident, in the order a woken person asks: how bad, who has it, why, what runs, what would
 * help, who is called next, and how dbconn knows. Text out of the database stands in cells and code only.
 */
export function writeIncident(view: IncidentView, scene: IncidentScene): WrittenIncident {
  const { mark, line } = incidentTitle(view);
  const body = [header(`${mark} ${line}`), ...bodyOf(view, scene)];
  const links = scene.target === undefined ? [] : linksLine(scene.target);
  const blocks = [...body, ...links, ...footOf(view, scene)];
  return { message: toMessage(line, blocks), contentKey: JSON.stringify(body) };
}

function bodyOf(view: IncidentView, scene: IncidentScene): MessageBlock[] {
  const { incident, diagnosis } = view;
  const buttons = incidentButtons(view, scene);
  const requests = requestsList(view, scene.links);
  if (incident.state !== 'open') {
    return [...incidentState(view), ...endingList(view), ...requests, ...buttons];
  }
  const unseen = diagnosis?.capacity === null;
  return [
    ...silenceNotice(incident),
    ...verdictOf(view),
    ...(diagnosis === null || !unseen ? [] : reachNotice(diagnosis)),
    ...incidentState(view),
    ...(diagnosis === null ? [] : [...holdersTable(diagnosis), ...ledgerLine(diagnosis)]),
    ...requests,
    ...remediesList(view),
    // Whoever decides has read so far; what follows is for those who wonder.
    ...buttons,
    ...(diagnosis === null ? [] : findingsList(diagnosis, 2)),
    ...callsList(incident),
  ];
}

/** The likely cause in a sentence; before the first look after a start, what the last one said. */
function verdictOf({ incident, diagnosis }: IncidentView): MessageBlock[] {
  // What a calm look finds is left from before, such as old log lines.
  if (incident.calmSince !== null) return [sentence('There is room again.')];
  const verdict = diagnosis?.verdict ?? incident.last?.verdict;
  return [sentence(verdict ?? 'No look yet: it is about to be taken.')];
}

function footOf({ incident, diagnosis }: IncidentView, { isAnew }: IncidentScene): MessageBlock[] {
  const before = 'Posted anew, because the message before it was deleted';
  const lines = [incidentLine(incident), ...(isAnew ? [before] : [])];
  return smallPrint([
    lines.join(' · '),
    ...(diagnosis === null || incident.state !== 'open' ? [] : provenanceLines(diagnosis)),
  ]);
}

function incidentLine({ id, reopenedAt }: Incident): string {
  const times = reopenedAt.length;
  if (times === 0) return `incident ${id}`;
  return `incident ${id} · came back ${times === 1 ? 'once' : `${times} times`}`;
}

/** As many as a phone shows without scrolling. */
export const linesAtOnce = 15;

/** What happened, for the thread: when, what, and what somebody wrote about it. Calls no group: only a call does. */
export function noteLines({ target }: Incident, notes: readonly KeptNote[]): Message {
  const quotes = notes.some(({ quote: quoted }) => hasText(quoted));
  const lines = notes.map(lineOf);
  const [only] = lines;
  const text = `News of the incident of ${target}: ${lines.length} ${lines.length === 1 ? 'line' : 'lines'}`;
  if (only !== undefined && lines.length === 1) {
    const quoted = notes[0]?.quote;
    return toMessage(text, [
      richText(paragraph(only), ...(hasText(quoted) ? [quote(quoted)] : [])),
    ]);
  }
  if (!quotes) return toMessage(text, [richText(bullets(lines))]);
  // A quote cannot stand within a list: each line is a paragraph of its own then.
  const elements = notes.flatMap((note) => [
    paragraph([...lineOf(note), ...rich`\n`]),
    ...(hasText(note.quote) ? [quote(note.quote)] : []),
  ]);
  return toMessage(text, [richText(...elements)]);
}

function lineOf({ at, sentence }: KeptNote): Leaf[] {
  return [...rich`${moment(at)}  `, ...withoutGroups(mentioning(sentence ?? ''))];
}

function hasText(text: string | null | undefined): text is string {
  return typeof text === 'string' && text !== '';
}

/** A question to whoever is mentioned in it. */
export function questionMessage(sentence: string): Message {
  return toMentioningMessage(sentence, [richText(paragraph(mentioning(sentence)))]);
}
