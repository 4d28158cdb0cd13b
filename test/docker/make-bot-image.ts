import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const script = fileURLToPath(new URL('make-base.sh', import.meta.url));

/**
 * Builds the Dockerfile as it is, without a network, on a base made of this machine's own files. What differs from a
 * build on node:24-slim is that base alone: another Node, and npm's downloads taken from its cache. Gives the name.
 */
export async function makeBotImage(): Promise<string> {
  const run = promisify(execFile);
  await run('sh', [script, repository, process.execPath], { timeout: 300_000 });
  const name = 'dbconn-test/bot';
  const flags = ['--quiet', '--network=none', '--build-arg=BASE=dbconn-test/base', `--tag=${name}`];
  // Debian's client has no BuildKit; a newer one without its plug-in needs to be told.
  const env = { ...process.env, DOCKER_BUILDKIT: '0' };
  await run('docker', ['build', ...flags, repository], { env, timeout: 300_000 });
  return name;
}
