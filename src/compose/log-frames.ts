/** A piece of a container's output, one per frame of the engine's stream. */
export interface LogFrame {
  readonly stream: 'stdout' | 'stderr';
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
