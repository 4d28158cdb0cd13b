import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Runs Compose 2, or the Compose 1 that Debian has; gives what it prints. Throws what it complains about. */
export async function compose(
  folder: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const [program = '', ...first] = await findCompose();
  const options = { cwd: folder, env: { ...process.env, ...environment }, timeout: 120_000 };
  const { stdout } = await run(program, [...first, ...args], options);
  return stdout;
}

async function findCompose(): Promise<readonly string[]> {
  try {
    await run('docker', ['compose', 'version']);
    return ['docker', 'compose'];
  } catch {
    return ['docker-compose']; // whose absence its own error tells
  }
}
