import type { LogFrame } from './log-frames.ts';

/** One line of a container's log. */
export interface LogLine {
  readonly stream: LogFrame['stream'];
  /** When its first byte was written, UTC by the engine's clock; null when the engine gave none. */
  readonly at: string | null;
  readonly text: string;
}

/** Enough for any message worth classifying; a dumped document behind it is not read through again. */
const maxLineBytes = 32 * 1024;
const timestamp = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d) /;
/** The longest: nine digits of a second and an offset, and the blank. */
const maxTimestampBytes = 36;
const newline = 0x0a;

/**
 * Frames to lines. A line over 16 KiB comes in several frames, each with a timestamp of its own in the middle
 * of the line; they belong together until one ends in a newline. Both streams are kept apart, for their
 * frames interleave. Bytes are joined before they are decoded, for a character may be cut in two.
 */
export function joinFrames(frames: readonly LogFrame[]): LogLine[] {
  const open = new Map<LogFrame['stream'], OpenLine>();
  const lines: LogLine[] = [];
  for (const { stream, bytes } of frames) {
    const { at, rest } = splitTimestamp(bytes);
    const line = open.get(stream) ?? { at, pieces: [], length: 0 };
    open.set(stream, line);
    const piece = rest.subarray(0, maxLineBytes - line.length);
    line.pieces.push(piece);
    line.length += piece.length;
    if (bytes.at(-1) !== newline) continue;
    lines.push(...close(stream, line));
    open.delete(stream);
  }
  for (const [stream, line] of open) lines.push(...close(stream, line));
  return lines;
}

interface OpenLine {
  readonly at: string | null;
  readonly pieces: Buffer[];
  length: number;
}

function splitTimestamp(bytes: Buffer): { at: string | null; rest: Buffer } {
  const found = timestamp.exec(bytes.toString('latin1', 0, maxTimestampBytes));
  return found === null
    ? { at: null, rest: bytes }
    : { at: found[0].trimEnd(), rest: bytes.subarray(found[0].length) };
}

/** A driver that keeps several lines in one record gives them one timestamp. */
function close(stream: LogFrame['stream'], { at, pieces }: OpenLine): LogLine[] {
  const text = Buffer.concat(pieces)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  return text.split(/\r?\n/).map((text) => ({ stream, at, text }));
}
