import type { LogLine } from '../../runbook/snapshot/logs/log-events.ts';

/** A piece of a container's output, one per frame of the engine's stream. */
export interface LogFrame {
  readonly stream: LogLine['stream'];
  readonly bytes: Buffer;
}

/** A frame holds one record of the log driver, at most 16 KiB plus its timestamp; more is no Docker stream. */
const maxFrameBytes = 1024 * 1024;
const headerBytes = 8;
const newlineByte = 0x0a;

/**
 * Takes the bytes of a `logs` answer apart as they come. With a terminal (`tty: true`) the engine sends bare
 * text without frames; since each record begins with its timestamp, the first byte tells the two apart: a
 * frame begins with 0, 1 or 2, a timestamp with a digit. That saves an inspection for each container.
 */
export class LogFrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #framed: boolean | null = null;

  /** The frames these bytes complete. Throws when they are no log stream. */
  read(chunk: Buffer): LogFrame[] {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const first = this.#rest[0];
    if (first === undefined) return [];
    this.#framed ??= first <= 2;
    return this.#framed ? this.#takeFrames() : this.#takeLines();
  }

  /** A terminal's last line may lack its end. A frame cut short is dropped: its end never came. */
  end(): LogFrame[] {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return this.#framed === false && rest.length > 0 ? [{ stream: 'stdout', bytes: rest }] : [];
  }

  #takeFrames(): LogFrame[] {
    const frames: LogFrame[] = [];
    let at = 0;
    while (this.#rest.length - at >= headerBytes) {
      const length = this.#rest.readUInt32BE(at + 4);
      if (length > maxFrameBytes) throw new TypeError('Not a container log: a frame is too long.');
      const end = at + headerBytes + length;
      if (this.#rest.length < end) break;
      const stream = this.#rest[at] === 2 ? 'stderr' : 'stdout';
      frames.push({ stream, bytes: this.#rest.subarray(at + headerBytes, end) });
      at = end;
    }
    this.#rest = this.#rest.subarray(at);
    return frames;
  }

  #takeLines(): LogFrame[] {
    const frames: LogFrame[] = [];
    let at = 0;
    for (
      let end = this.#rest.indexOf(newlineByte);
      end >= 0;
      end = this.#rest.indexOf(newlineByte, at)
    ) {
      frames.push({ stream: 'stdout', bytes: this.#rest.subarray(at, end + 1) });
      at = end + 1;
    }
    this.#rest = this.#rest.subarray(at);
    if (this.#rest.length > maxFrameBytes)
      throw new TypeError('Not a container log: no line ends.');
    return frames;
  }
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
