import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs `docker compose` in that folder; gives what it prints. Throws what it complains about. */
export async function compose(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const options = { cwd: folder, env: { ...process.env, ...environment }, timeout: 120_000 };
  const { stdout } = await promisify(execFile)('docker', ['compose', ...args], options);
  return stdout;
}
