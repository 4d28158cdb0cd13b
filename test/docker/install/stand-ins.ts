import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../../..', import.meta.url));
const script = fileURLToPath(new URL('../make-base.sh', import.meta.url));
// Debian's client has no BuildKit; a newer one without its plug-in needs to be told.
export const withoutBuildKit = { DOCKER_BUILDKIT: '0' };

/** Images under the names of others, until they are given back. */
export interface StandIns {
  giveBack(): Promise<void>;
}

/**
 * No registry can be reached here, so this machine's own files make the images that the documents name: the base of
 * the Dockerfile, under its name and under that of a registry of one's own, and the socket proxy. What had such a name
 * before has it again afterwards, the bot's own image too.
 */
export async function makeStandIns(): Promise<StandIns> {
  const bases = ['node:24-slim', 'registry.example.com/node:24-slim'];
  const proxy = 'wollomatic/socket-proxy:1';
  const names = [...bases, proxy, 'dbconn:latest'];
  const before = await Promise.all(names.map(async (name) => [name, await idOf(name)] as const));
  await run('sh', [script, repository, process.execPath], { timeout: 300_000 });
  for (const name of bases) await run('docker', ['tag', 'dbconn-test/base', name]);
  await buildProxy(proxy);
  return {
    async giveBack() {
      for (const [name, id] of before) {
        await (id === '' ? run('docker', ['rmi', name]) : run('docker', ['tag', id, name]));
      }
      await removeStages();
    },
  };
}

async function idOf(name: string): Promise<string> {
  return (await run('docker', ['images', '-q', '--no-trunc', name])).stdout.trim();
}

/** The Dockerfile's first stage stays behind without a name, and is large. */
async function removeStages(): Promise<void> {
  const filters = ['dangling=true', 'since=dbconn-test/base'].flatMap((one) => ['--filter', one]);
  const unnamed = (await run('docker', ['images', '-q', ...filters])).stdout.split('\n');
  const layer = ['image', 'inspect', '-f', '{{index .RootFS.Layers 0}}'];
  const base = (await run('docker', [...layer, 'dbconn-test/base'])).stdout;
  for (const id of unnamed.filter((one) => one !== '')) {
    const { stdout } = await run('docker', [...layer, id]);
    if (stdout === base) await run('docker', ['rmi', id]);
  }
}

async function buildProxy(name: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-proxy-'));
  try {
    const from = (file: string): string => fileURLToPath(new URL(file, import.meta.url));
    await copyFile(from('../allowing-proxy.ts'), join(folder, 'allowing-proxy.ts'));
    await copyFile(from('socket-proxy.ts'), join(folder, 'socket-proxy.ts'));
    // In 64 MB, as deploy/socket-proxy.yml allows it.
    const start = ['node', '--max-old-space-size=16', '--v8-pool-size=1', '/socket-proxy.ts'];
    const lines = ['FROM dbconn-test/base', 'COPY *.ts /', `ENTRYPOINT ${JSON.stringify(start)}`];
    await writeFile(join(folder, 'Dockerfile'), `${lines.join('\n')}\n`);
    const env = { ...process.env, ...withoutBuildKit };
    await run('docker', ['build', '-q', '-t', name, folder], { env, timeout: 60_000 });
  } finally {
    await rm(folder, { recursive: true });
  }
}
