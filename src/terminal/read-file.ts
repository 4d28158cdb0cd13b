import { open } from 'node:fs/promises';

/** The bytes of a file or a pipe, or why there are none. One more than it may have is enough to refuse it. */
export async function readBounded(file: string, mostBytes: number): Promise<Buffer | string> {
  try {
    const handle = await open(file);
    try {
      const bytes = Buffer.alloc(mostBytes + 1);
      let length = 0;
      for (let bytesRead = -1; bytesRead !== 0 && length < bytes.length; length += bytesRead) {
        ({ bytesRead } = await handle.read(bytes, length, bytes.length - length, null));
      }
      return bytes.subarray(0, length);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return problems[code] ?? 'the file gave an error.';
  }
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file.',
  EACCES: 'you may not read it.',
  EISDIR: 'that is a folder.',
};

/** More is no list of heads. */
const mostBytes = 4 * 1024 * 1024;

type Heads =
  | { readonly ok: true; readonly heads: readonly string[] }
  /** Why there are none, as a sentence. */
  | { readonly ok: false; readonly why: string };

/** The heads to look for in a journal: the one that was typed, and those of a file. Hex in lower case. */
export async function readHeads(
  head: string | undefined,
  file: string | undefined,
): Promise<Heads> {
  const given = head === undefined ? [] : [head.trim().toLowerCase()];
  if (given.some((one) => !/^[0-9a-f]{64}$/.test(one))) {
    return { ok: false, why: 'A head is 64 characters from 0 to 9 and a to f.' };
  }
  if (file === undefined) return { ok: true, heads: given };
  const bytes = await readBounded(file, mostBytes);
  if (typeof bytes === 'string') return { ok: false, why: `The heads could not be read: ${bytes}` };
  if (bytes.length > mostBytes)
    return { ok: false, why: `${file} is too large for a list of heads.` };
  const kept = findHeads(bytes.toString('utf8'));
  if (kept.length === 0) return { ok: false, why: `There is no head in ${file}.` };
  return { ok: true, heads: [...given, ...kept] };
}

/**
 * As a request's thread in Slack has them ("journal entry 12, HASH"), copied with whatever stands around them; where no
 * line says so, the last hash of each line.
 */
function findHeads(text: string): string[] {
  const labelled = [...text.matchAll(/journal entry \d+,\s*`?([0-9a-f]{64})\b/gi)];
  const lone = [...text.matchAll(/\b([0-9a-f]{64})\b(?!.*\b[0-9a-f]{64}\b)/gi)];
  const found = labelled.length > 0 ? labelled : lone;
  return [...new Set(found.map(([, hash = '']) => hash.toLowerCase()))];
}
