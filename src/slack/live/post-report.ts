import { WebAPIPlatformError } from '@slack/web-api';
import type { Place } from '../../runbook/approvals/notices.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { IncidentReport } from '../../runbook/reports/report.ts';
import { toMarkdown } from '../../runbook/reports/to-markdown.ts';
import { toMessage } from '../messages/kit/message.ts';
import type { Message } from '../messages/kit/message.ts';
import { richText } from '../messages/kit/rich-text.ts';
import { checklistMessage, reportMessage } from '../messages/report.ts';
import { mentionedIn } from './names.ts';
import { post } from './writer.ts';
import type { SlackWriter } from './writer.ts';

/** Everybody a report mentions or quotes, in the order they come. */
function peopleIn({ incident, timeline, remedies }: IncidentReport): string[] {
  const actors = [
    incident.assignee?.by,
    ...remedies.flatMap(({ proposedBy, votes, brokenGlass }) => [
      proposedBy,
      ...votes.map(({ by }) => by),
      brokenGlass?.by,
    ]),
    ...timeline.map(({ by }) => by),
    ...incident.checklist.map(({ by }) => by),
  ];
  const mentioned = timeline.flatMap(({ sentence }) => mentionedIn(sentence ?? ''));
  const ids = actors.flatMap((actor) => (actor?.via === 'slack' ? [actor.id] : []));
  return [...ids, ...mentioned];
}

interface Reported {
  readonly incident: Incident;
  readonly report: IncidentReport;
}

/** What this process posted, for where Slack does not let it be read back: the latest of it. */
const posted = new WeakMap<SlackWriter, Set<string>>();
const mostPosted = 500;

/**
 * Posts a report into an incident's thread: as a message, as a Markdown file, and then its checklist. What stands
 * there already is not posted again, so that it can be called until it succeeds. Rejects as Slack does.
 */
export async function postReport(
  writer: SlackWriter,
  thread: Place,
  reported: Reported,
): Promise<void> {
  const { incident, report } = reported;
  const { id, reopenedAt } = incident;
  const key = `report:${id}:${reopenedAt.length}`;
  const postedMessages = await writer.postedMessages.inThread(thread);
  const own = posted.get(writer) ?? new Set();
  posted.set(writer, own);
  for (const oldest of [...own].slice(0, Math.max(0, own.size - mostPosted))) own.delete(oldest);
  const stands = new Set([...own, ...(postedMessages ?? []).map((one) => one.key)]);
  const say = async (message: Message, under: string): Promise<void> => {
    if (stands.has(under)) return;
    await post(writer, message, { thread, key: under });
    own.add(under);
  };

  await say(reportMessage(report), key);
  if (!own.has(`${key}:file`)) await attach(writer, thread, { reported, key, say });
  own.add(`${key}:file`);
  // What became a part of another incident is looked into with that one.
  if (incident.mergedInto === null) await say(checklistMessage(incident), checklistKeyOf(id));
}

/** One checklist for an incident, however often it came back. */
function checklistKeyOf(incident: string): string {
  return `checklist:${incident}`;
}

interface Attaching {
  readonly reported: Reported;
  readonly key: string;
  readonly say: (message: Message, key: string) => Promise<void>;
}

/** As a file; where dbconn may not upload one, as text in as many messages as it takes. */
async function attach(
  writer: SlackWriter,
  thread: Place,
  { reported: { incident, report }, key, say }: Attaching,
): Promise<void> {
  const filename = fileNameOf(incident);
  if (await hasFile(writer, thread, filename)) return;
  const markdown = toMarkdown(report, await writer.readNames(peopleIn(report)));
  try {
    await upload(writer, thread, { filename, markdown, title: report.title });
  } catch (error) {
    if (!(error instanceof WebAPIPlatformError) || !cannotUpload.has(error.data.error)) throw error;
    const parts = toParts(markdown, incident.target);
    for (const [index, part] of parts.entries()) await say(part, `${key}:part-${index}`);
  }
}

/** Refusals that stay as they are however often it is tried. Anything else is a failure, and thrown. */
const cannotUpload = new Set([
  'missing_scope',
  'not_allowed_token_type',
  'unknown_method',
  'no_permission',
  'access_denied',
  'file_uploads_disabled',
  'file_uploads_except_images_disabled',
  'storage_limit_reached',
]);

function fileNameOf({ id, reopenedAt }: Incident): string {
  return `${id}-report-${reopenedAt.length + 1}.md`;
}

async function upload(
  { client, outbox }: SlackWriter,
  place: Place,
  file: { readonly filename: string; readonly markdown: string; readonly title: string },
): Promise<void> {
  await outbox.send(() =>
    client.filesUploadV2({
      channel_id: place.channel,
      thread_ts: place.ts,
      filename: file.filename,
      title: file.title,
      // Its name too: who looks for it later may see the message and not the file.
      initial_comment: `Full report: ${file.filename}`,
      file: Buffer.from(file.markdown, 'utf8'),
    }),
  );
}

/** Whether the process before this one uploaded it; false where Slack does not let it be seen. */
async function hasFile(
  { client, reading }: SlackWriter,
  place: Place,
  name: string,
): Promise<boolean> {
  const { replies } = client.conversations;
  try {
    const { messages = [] } = await reading.send(
      () => replies({ channel: place.channel, ts: place.ts, limit: 999 }),
      'repeatable',
    );
    return messages.some(
      ({ text = '', files = [] }) =>
        text.includes(name) || files.some((file) => file.name === name),
    );
  } catch (error) {
    if (error instanceof WebAPIPlatformError) return false;
    throw error;
  }
}

/** Rich text takes more, but a message longer than this is folded by Slack's own clients. */
const partCharacters = 2_900;

/** The Markdown as it would stand in the file, cut between lines. */
function toParts(markdown: string, target: string): Message[] {
  const parts: string[] = [];
  for (const line of markdown.split('\n')) {
    const last = parts.at(-1);
    const cut = line.slice(0, partCharacters);
    if (last === undefined || last.length + cut.length + 1 > partCharacters) parts.push(cut);
    else parts[parts.length - 1] = `${last}\n${cut}`;
  }
  return parts.map((text, index) =>
    toMessage(`Report of the incident of ${target}, part ${index + 1} of ${parts.length}`, [
      richText({
        type: 'rich_text_preformatted',
        elements: [{ type: 'text', text: text.trim() === '' ? '–' : text }],
      }),
    ]),
  );
}
