import { z } from 'zod';
import type { JournalDraft } from '../../../src/runbook/approvals/journal.ts';

/** Names for what a bot does that outlives it, the same in every telling of the story: no id, no time, no number. */

const Note = z.looseObject({
  facts: z
    .looseObject({
      key: z.string().optional(),
      via: z.string().optional(),
      told: z.string().optional(),
    })
    .optional(),
});

export function labelOfWrite({ kind, body }: JournalDraft): string {
  const { facts } = Note.parse(body);
  // Of a request's note the state it tells, of a call its way, of a page what the pager was told.
  const state = kind === 'incident-request' ? facts?.key?.split(':').at(-1) : undefined;
  const told = kind === 'incident-paged' ? (facts?.told ?? 'a change') : '';
  return [kind, state ?? facts?.via ?? told].join(' ').trim();
}

/** Of Slack's methods those that leave something others can see for ever. */
const lasting = new Set(['chat.postMessage', 'files.completeUploadExternal']);
const Metadata = z.looseObject({ event_payload: z.looseObject({ key: z.string() }) });
const PagerEvent = z.looseObject({ event_action: z.string() });

/** What a call says to Slack or to the pager; undefined where it says nothing that lasts. */
export function labelOfCall(url: string, body: string): string | undefined {
  const { pathname } = new URL(url);
  if (pathname === '/v2/enqueue') {
    return `page ${PagerEvent.parse(JSON.parse(body)).event_action}`;
  }
  const method = pathname.replace('/api/', '');
  if (!lasting.has(method)) return undefined;
  if (method !== 'chat.postMessage') return method;
  const form = new URLSearchParams(body);
  const metadata = Metadata.safeParse(toJson(form.get('metadata') ?? ''));
  const key = metadata.success ? metadata.data.event_payload.key : 'without a key';
  const what = key
    .replace(/\binc-\w+/g, 'incident')
    .replace(/^request:\w+/, 'request')
    .replace(/:\d+$/, '');
  return `${method} ${what}${form.has('thread_ts') ? ' in a thread' : ''}`;
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
