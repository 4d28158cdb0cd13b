import type { Incident } from '../../runbook/incident/incident.ts';
import type { KeptNote } from '../../runbook/incident/note.ts';
import { mentioning, toMentioningMessage, withoutGroups } from './parts/mentions.ts';
import { toMessage } from './parts/message.ts';
import type { Message } from './parts/message.ts';
import { between, bullets, moment, paragraph, quote, richText } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';

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
      richText(paragraph(...only), ...(hasText(quoted) ? [quote(quoted)] : [])),
    ]);
  }
  if (!quotes) return toMessage(text, [richText(bullets(lines))]);
  // A quote cannot stand within a list: each line is a paragraph of its own then.
  const elements = notes.flatMap((note) => [
    paragraph(...lineOf(note), between('\n')),
    ...(hasText(note.quote) ? [quote(note.quote)] : []),
  ]);
  return toMessage(text, [richText(...elements)]);
}

function lineOf({ at, sentence }: KeptNote): Leaf[] {
  return [moment(at), between('  '), ...withoutGroups(mentioning(sentence ?? ''))];
}

function hasText(text: string | null | undefined): text is string {
  return typeof text === 'string' && text !== '';
}

/** A question to whoever is mentioned in it. */
export function questionMessage(sentence: string): Message {
  return toMentioningMessage(sentence, [richText(paragraph(...mentioning(sentence)))]);
}
