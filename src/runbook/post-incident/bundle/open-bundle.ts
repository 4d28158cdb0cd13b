import { canonicalJson, hashJson } from '../../remedies/plan.ts';
import {
  BundleHeader,
  BundleLine,
  BundleSeal,
  bundleFormat,
  bundleVersion,
  mostBundleBytes,
  noHash,
} from './bundle.ts';
import type { Bundle } from './bundle.ts';

type OpenedBundle =
  | { readonly ok: true; readonly bundle: Bundle }
  | {
      readonly ok: false;
      /** The first line that is wrong, from 1; null where it is no single line. */
      readonly line: number | null;
      readonly problem: string;
    };

type Refused = Extract<OpenedBundle, { ok: false }>;

/**
 * Reads a bundle and refuses one that is not, to the byte, as it was sealed. `head` is the seal's hash as it was kept
 * elsewhere: only that finds a file that was written anew as a whole.
 */
export async function openBundle(bytes: Uint8Array, head?: string): Promise<OpenedBundle> {
  if (bytes.length > mostBundleBytes) return refuse(null, 'It is larger than a bundle can be.');
  const text = decode(bytes);
  const first = text?.slice(0, text.indexOf('\n'));
  if (text === undefined || first === undefined) return refuse(null, 'It is not text in UTF-8.');
  const strange = refuseOthers(first);
  if (strange !== undefined) return strange;
  const texts = text.split('\n');
  if (texts.pop() !== '') return refuse(texts.length + 1, 'It is cut off.');
  const read = await readLines(texts);
  if (!Array.isArray(read)) return read;
  return toBundle(read, head);
}

/** Undefined for bytes that are no UTF-8, so that no two files read the same. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What is no bundle at all, or one of a later dbconn, is told as that and not as tampering. */
function refuseOthers(first: string): Refused | undefined {
  const body = toLine(first)?.body;
  if (body?.['format'] !== bundleFormat) return refuse(1, 'This is no bundle of dbconn.');
  const version = Number(body['version']);
  if (version === bundleVersion) return undefined;
  return refuse(
    1,
    `It has format ${version}, and this dbconn reads format ${bundleVersion}. Replay it with the dbconn that sealed it, or a later one.`,
  );
}

/** Any other writing of the same values, such as with a space more, is no line. */
function toLine(text: string): BundleLine | undefined {
  try {
    const line = BundleLine.parse(JSON.parse(text));
    return canonicalJson(line) === text ? line : undefined;
  } catch {
    return undefined;
  }
}

async function readLines(texts: readonly string[]): Promise<BundleLine[] | Refused> {
  const lines: BundleLine[] = [];
  let previous = noHash;
  for (const [index, text] of texts.entries()) {
    const number = index + 1;
    if (lines.at(-1)?.kind === 'seal') return refuse(number, 'It was added after the seal.');
    const line = toLine(text);
    if (line === undefined) return refuse(number, 'It was changed after it was sealed.');
    const problem = await whyWrong(line, number, previous);
    if (problem !== undefined) return refuse(number, problem);
    lines.push(line);
    previous = line.hash;
  }
  return lines;
}

async function whyWrong(
  { line, kind, body, hash }: BundleLine,
  number: number,
  previous: string,
): Promise<string | undefined> {
  if (line !== number) return `Line ${number} of the sealed ones is not here.`;
  const expected = await hashJson([line, kind, body, previous]);
  return hash === expected ? undefined : 'It, or the line before it, was changed after the seal.';
}

function toBundle(lines: readonly BundleLine[], head: string | undefined): OpenedBundle {
  const last = lines.at(-1);
  const seal = BundleSeal.safeParse(last?.body);
  if (last?.kind !== 'seal' || !seal.success)
    return refuse(lines.length + 1, 'The seal is missing.');
  const before = lines.at(-2)?.hash;
  if (seal.data.lines !== lines.length - 1 || seal.data.head !== before) {
    return refuse(last.line, 'The seal is not that of these lines.');
  }
  const header = BundleHeader.safeParse(lines[0]?.body);
  if (!header.success) return refuse(1, 'The header is not as dbconn writes it.');
  if (head !== undefined && head.toLowerCase() !== last.hash) {
    return refuse(
      null,
      `Its head is ${last.hash}, not the one that was kept: it was written anew, or it is another bundle.`,
    );
  }
  return { ok: true, bundle: { header: header.data, lines, head: last.hash } };
}

function refuse(line: number | null, problem: string): Refused {
  return { ok: false, line, problem };
}
