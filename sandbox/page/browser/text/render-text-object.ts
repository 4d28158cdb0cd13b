import { element } from '../dom.ts';
import { withEmoji } from './emoji.ts';
import { parseMrkdwn } from './parse-mrkdwn.ts';
import { renderPassages } from './render-passages.ts';
import type { PlainTextElement, TextObject } from '@slack/types';
import type { Directory } from '../directory.ts';

/** Draws a text object: mrkdwn by Slack's rules, plain text as it stands. */
export function renderTextObject(text: TextObject, directory: Directory): HTMLElement {
  if (text.type === 'plain_text') return element('div', { class: 'plain' }, plainTextOf(text));
  const passages = parseMrkdwn(text.text, { verbatim: text.verbatim === true });
  return element('div', { class: 'mrkdwn' }, renderPassages(passages, directory));
}

/** The characters of a plain text; Slack turns `:name:` into emoji unless `emoji` is false. */
export function plainTextOf(text: PlainTextElement): string {
  return text.emoji === false ? text.text : withEmoji(text.text);
}
