import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The directory a compose project would lie in, with the `.env` that option E edits. */
interface ProjectFolder {
  readonly envFile: string;
  /** As if nobody had ever changed it. */
  reset(): void;
  close(): void;
}

/** As people keep it: with comments, with a secret, and without the pool's numbers, which are the image's own. */
const original = [
  '# What docker compose reads for the shop.',
  'POSTGRES_DB=shop',
  "POSTGRES_PASSWORD='not for the journal' # kept elsewhere too",
  '',
].join('\n');

export function makeProjectFolder(): ProjectFolder {
  const directory = mkdtempSync(join(tmpdir(), 'dbconn-project-'));
  const envFile = join(directory, '.env');
  const reset = (): void => writeFileSync(envFile, original, { mode: 0o640 });
  reset();
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  process.once('exit', remove);
  const close = (): void => {
    process.off('exit', remove);
    remove();
  };
  return { envFile, reset, close };
}
