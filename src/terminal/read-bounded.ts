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
