import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import type { KeptNote } from '../../runbook/incidents/incident-log.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { IncidentView } from '../../runbook/incidents/incidents.ts';
import { list } from '../../runbook/snapshot/words.ts';
import { blockersList, holdersTable, sentence } from './diagnosis-parts.ts';
import { findingsList, linksLine, provenanceLines, reachNotice } from './frame.ts';
import { incidentButtons } from './incident-buttons.ts';
import type { IncidentOffers } from './incident-buttons.ts';
import {
  endingLines,
  escalationsList,
  incidentTitle,
  ownerLine,
  peakLine,
  silenceNotice,
} from './incident-facts.ts';
import { earlierRequests, poolsLine, presentRequests, remediesList } from './incident-remedies.ts';
import { folded, header, smallPrint, toMessage } from './kit/message.ts';
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
import { historyChart } from './status.ts';

/** What an incident's message shows beside the incident. */
interface IncidentScene extends IncidentOffers {
  /** Where the cards of requests stand, by request. */
  readonly links?: ReadonlyMap<string, string>;
  /** It replaces a message that was deleted. */
  readonly isReplacement: boolean;
}

export interface WrittenIncident {
  readonly message: Message;
  /** The same for two messages that differ in the time of the check and its point on the chart alone. */
  readonly contentKey: string;
}

/**
 * The live message of an incident, in the order a woken person asks: how bad, why, who owns it, what to do, and below
 * the buttons what all that rests on. Text out of the database stands in cells and code only.
 */
export function writeIncident(view: IncidentView, scene: IncidentScene): WrittenIncident {
  const { mark, line } = incidentTitle(view);
  const body = [header(`${mark} ${line}`), ...bodyOf(view, scene)];
  const links = scene.target === undefined ? [] : linksLine(scene.target);
  const blocks = [...body, ...links, ...footOf(view, scene)];
  return {
    message: toMessage(notificationOf(view, line), blocks),
    contentKey: JSON.stringify(body.filter(({ type }) => type !== 'data_visualization')),
  };
}

/** The title, the cause, and who owns it: all that a notification has room for. */
function notificationOf(view: IncidentView, line: string): string {
  const { state, assignee } = view.incident;
  if (state !== 'open') return line;
  return `${line} ${verdictOf(view)}${assignee === null ? ' No owner yet.' : ''}`;
}

function bodyOf(view: IncidentView, scene: IncidentScene): MessageBlock[] {
  const { incident, diagnosis } = view;
  const buttons = incidentButtons(view, scene);
  if (incident.state !== 'open') return [...endingLines(view, scene.links), ...buttons];
  const unseen = diagnosis?.capacity === null;
  return [
    ...silenceNotice(incident),
    sentence(verdictOf(view)),
    ...(diagnosis === null || !unseen ? [] : reachNotice(diagnosis)),
    ...ownerLine(view),
    ...presentRequests(view, scene.links),
    ...remediesList(view),
    ...buttons,
    ...(diagnosis === null ? [] : evidenceOf(diagnosis, incident.id)),
    ...peakLine(incident),
    ...earlierRequests(view, scene.links),
    ...escalationsList(incident),
  ];
}

/** What the cause rests on folds away; another trouble with its fix does not. A chart cannot. */
function evidenceOf(diagnosis: Diagnosis, incident: string): MessageBlock[] {
  const [holders, blockers, pools] = [
    holdersTable(diagnosis),
    blockersList(diagnosis, 2),
    poolsLine(diagnosis),
  ];
  const contents = [
    ...(holders.length > 0 ? ['connections'] : []),
    ...(blockers.length > 0 ? ['blockers'] : []),
    ...(pools.length > 0 ? ['pools'] : []),
  ];
  const fold = { id: `dbconn_evidence.${incident}`, title: `Evidence: ${list(contents)}` };
  return [
    ...folded(fold, [...holders, ...blockers, ...pools]),
    ...findingsList(diagnosis, 2),
    ...historyChart(diagnosis),
  ];
}

/** The likely cause in a sentence; before the first check after a start, what the last one said. */
function verdictOf({ incident, diagnosis }: IncidentView): string {
  // What a calm check finds is left from before, such as old log lines.
  if (incident.calmSince !== null) return 'Connections are available again.';
  return diagnosis?.verdict ?? incident.last?.verdict ?? 'The first check is under way.';
}

function footOf(
  { incident, diagnosis }: IncidentView,
  { isReplacement }: IncidentScene,
): MessageBlock[] {
  const before = 'Posted again: the previous message was deleted';
  const lines = [incidentLine(incident), ...(isReplacement ? [before] : [])];
  return smallPrint([
    lines.join(' · '),
    ...(diagnosis === null || incident.state !== 'open' ? [] : provenanceLines(diagnosis)),
  ]);
}

function incidentLine({ id, reopenedAt }: Incident): string {
  const times = reopenedAt.length;
  if (times === 0) return `Incident ${id}`;
  return `Incident ${id} · reopened ${times === 1 ? 'once' : `${times} times`}`;
}

/** As many as a phone shows without scrolling. */
export const linesAtOnce = 15;

/** What the thread does not repeat: a request stands on its own card until it ran, and a call in the channel is a reply itself. */
export function isForThread({ kind, sentence, facts }: KeptNote): boolean {
  if (sentence === null) return false;
  if (kind === 'incident-escalated') return facts?.['via'] !== 'channel';
  if (kind === 'incident-request')
    return !/:(?:proposed|approved|executing)$/.test(String(facts?.['key']));
  return kind !== 'incident-paged' || facts?.['told'] === undefined;
}

/** What happened, for the thread: when, what, and what somebody wrote about it. Calls no group: only a call does. */
export function noteLines({ target }: Incident, notes: readonly KeptNote[]): Message {
  const quotes = notes.some(({ quote: quoted }) => hasText(quoted));
  const lines = notes.map(lineOf);
  const [only] = lines;
  const text = `${target}: ${notes.map(toNotification).join(' ')}`;
  if (only !== undefined && lines.length === 1) {
    const quoted = notes[0]?.quote;
    return toMentioningMessage(text, [
      richText(paragraph(only), ...(hasText(quoted) ? [quote(quoted)] : [])),
    ]);
  }
  if (!quotes) return toMentioningMessage(text, [richText(bullets(lines))]);
  // A quote cannot stand within a list: each line is a paragraph of its own then.
  const elements = notes.flatMap((note) => [
    paragraph([...lineOf(note), ...rich`\n`]),
    ...(hasText(note.quote) ? [quote(note.quote)] : []),
  ]);
  return toMentioningMessage(text, [richText(...elements)]);
}

function toNotification({ sentence }: KeptNote): string {
  return (sentence ?? '').replaceAll(/<!subteam\^S[A-Z0-9]+>/g, 'their group');
}

function lineOf({ at, sentence }: KeptNote): Leaf[] {
  return [...rich`${moment(at)}  `, ...withoutGroups(mentioning(sentence ?? ''))];
}

function hasText(text: string | null | undefined): text is string {
  return typeof text === 'string' && text !== '';
}

/** A question to the person who is mentioned in it. */
export function questionMessage(sentence: string): Message {
  return toMentioningMessage(sentence, [richText(paragraph(mentioning(sentence)))]);
}
