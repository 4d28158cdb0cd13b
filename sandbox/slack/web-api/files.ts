import { z } from 'zod';
import { identity } from '../identity.ts';
import { createMessage, postMessage } from '../messages.ts';
import { SlackRefusal } from '../slack-refusal.ts';
import { createId } from '../stamps.ts';
import type { SharedFile, StoredFile, Workspace } from '../workspace.ts';
import { findChannelById, refuseUnknownThread } from './lookup.ts';
import { countArgument, defineMethod, jsonArgument } from './method.ts';

const MAX_ALT_TEXT = 1000;
/** More than a plot or a report needs; bounds what a demo keeps in memory. */
const MAX_FILE_BYTES = 20_000_000;

const Completed = z.array(
  z.strictObject({
    id: z.string(),
    title: z.string().optional(),
    highlight_type: z.string().optional(),
  }),
);

const MIME_TYPES: ReadonlyMap<string, string> = new Map([
  ['csv', 'text/csv'],
  ['json', 'application/json'],
  ['md', 'text/markdown'],
  ['png', 'image/png'],
  ['txt', 'text/plain'],
]);

function toFile(file: StoredFile, baseUrl: () => string): SharedFile {
  const ending = file.name.slice(file.name.lastIndexOf('.') + 1).toLowerCase();
  return {
    id: file.id,
    name: file.name,
    title: file.title,
    mimetype: MIME_TYPES.get(ending) ?? 'application/octet-stream',
    size: file.length,
    url_private: `${baseUrl()}/files/${file.id}`,
    ...(file.altText !== '' && { alt_txt: file.altText }),
  };
}

function completeFiles(workspace: Workspace, raw: unknown): readonly StoredFile[] {
  const listed = Completed.safeParse(raw);
  if (!listed.success || listed.data.length === 0) throw new SlackRefusal('invalid_arguments');
  const files = listed.data.map(({ id, title }) => {
    const file = workspace.files.get(id);
    if (file?.bytes === undefined || file.completed) throw new SlackRefusal('file_not_found');
    return { file, title };
  });
  return files.map(({ file, title }) => {
    file.completed = true;
    file.title = title ?? file.name;
    return file;
  });
}

export const filesMethods = {
  'files.getUploadURLExternal': defineMethod({
    scopes: ['files:write'],
    tier: 'tier4',
    args: z.strictObject({
      filename: z.string().min(1),
      length: countArgument.min(1),
      alt_txt: z.string().optional(),
      // What the SDK sends; Slack documents alt_txt and ignores this one.
      alt_text: z.string().optional(),
      snippet_type: z.string().optional(),
    }),
    run({ workspace, baseUrl }, { filename, length, alt_txt: altText = '' }) {
      if (altText.length > MAX_ALT_TEXT) throw new SlackRefusal('alt_txt_too_large');
      if (length > MAX_FILE_BYTES) throw new SlackRefusal('file_upload_size_restricted');
      const id = createId('F');
      workspace.files.set(id, {
        id,
        name: filename,
        title: filename,
        length,
        altText,
        completed: false,
      });
      return { file_id: id, upload_url: `${baseUrl()}/upload/v1/${id}` };
    },
  }),
  'files.completeUploadExternal': defineMethod({
    scopes: ['files:write'],
    tier: 'tier4',
    args: z.strictObject({
      files: jsonArgument('invalid_arguments'),
      channel_id: z.string().optional(),
      thread_ts: z.string().optional(),
      initial_comment: z.string().optional(),
    }),
    run({ workspace, baseUrl }, args) {
      if (args.channel_id === undefined) {
        const files = completeFiles(workspace, args.files);
        return { files: files.map((file) => toFile(file, baseUrl)) };
      }
      const channel = findChannelById(workspace, args.channel_id);
      if (!channel.members.has(identity.botUserId)) throw new SlackRefusal('not_in_channel');
      refuseUnknownThread(channel, args.thread_ts);
      const files = completeFiles(workspace, args.files).map((file) => toFile(file, baseUrl));
      const share = {
        text: args.initial_comment,
        thread_ts: args.thread_ts,
        files,
      };
      // Slack processes the file first: the message is there only after the answer.
      setImmediate(() => {
        postMessage(workspace, channel, createMessage(workspace, share));
      });
      return { files };
    },
  }),
};

/**
 * Takes the bytes of an announced file.
 * @throws SlackRefusal when the file was not announced, or with another length.
 */
export function receiveUpload(workspace: Workspace, fileId: string, bytes: Uint8Array): void {
  const file = workspace.files.get(fileId);
  if (file === undefined || file.completed)
    throw new SlackRefusal('file_not_found', { status: 404 });
  if (bytes.byteLength !== file.length) {
    throw new SlackRefusal('invalid_length', { status: 400 });
  }
  file.bytes = bytes;
}
