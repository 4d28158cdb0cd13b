import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { randomBytes } from 'node:crypto';
import { accessSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { connectDocker } from '../../src/docker/connect.ts';
import { findFreePort } from '../../sandbox/patient/free-port.ts';
import { withTimeout } from '../../src/timing.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);

/** A Docker engine of its own beside the machine's, with nothing of that but the programs. */
export interface SecondEngine {
  readonly docker: Docker;
  readonly socketPath: string;
  /** Where it answers to those alone who show its client certificate. */
  readonly tcp: string;
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string };
  /** What the docker command takes for a folder of its own (DOCKER_CONFIG); empty at first. */
  readonly dockerConfig: string;
  /** Ends it with its containers, and removes what it kept. */
  close(): Promise<void>;
}

/** Why a second engine cannot be started here; null where it can. With CI=true that throws: a skip would pass for a proof. */
export function whyNoSecondEngine(): string | null {
  const why =
    process.getuid?.() !== 0
      ? 'only root starts dockerd'
      : has('dockerd') && has('ip')
        ? null
        : 'there is no dockerd, or no ip';
  if (why !== null && process.env['CI'] === 'true') throw new Error(`CI=true, but ${why}.`);
  return why;
}

function has(program: string): boolean {
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'].some((folder) => {
    try {
      accessSync(join(folder, program));
      return true;
    } catch {
      return false;
    }
  });
}

/** On a bridge of its own, and without firewall rules: with `--bridge=none` it would remove the machine's docker0. */
export async function startSecondEngine(): Promise<SecondEngine> {
  const env = { ...process.env, PATH: `${process.env['PATH']}${delimiter}/usr/sbin` };
  const folder = mkdtempSync(join(tmpdir(), 'dbconn-engine-'));
  const at = (name: string): string => join(folder, name);
  const [socketPath, port] = [at('docker.sock'), await findFreePort()];
  const tls = await makeCertificates(folder);
  const bridge = `dbconn${randomBytes(4).toString('hex')}`;
  await run('ip', ['link', 'add', 'name', bridge, 'type', 'bridge'], { env });
  await run('ip', ['addr', 'add', `10.233.${randomBytes(1)[0] ?? 0}.1/24`, 'dev', bridge], { env });
  const dockerConfig = at('cli');
  mkdirSync(dockerConfig);
  const options = [
    `--data-root=${at('data')}`,
    `--exec-root=${at('exec')}`,
    `--pidfile=${at('dockerd.pid')}`,
    `--host=unix://${socketPath}`,
    `--host=tcp://127.0.0.1:${port}`,
    '--tlsverify',
    `--tlscacert=${tls.ca}`,
    `--tlscert=${at('server.pem')}`,
    `--tlskey=${at('server-key.pem')}`,
    `--bridge=${bridge}`,
    '--iptables=false',
    '--ip6tables=false',
  ];
  const engine = spawn('dockerd', options, { stdio: ['ignore', 'ignore', 'pipe'], env });
  let log = '';
  engine.stderr.on(
    'data',
    (chunk: Buffer) => (log = `${log}${chunk.toString('utf8')}`.slice(-4000)),
  );
  const docker = connectDocker({ DOCKER_HOST: `unix://${socketPath}` });
  const close = async (): Promise<void> => {
    if (engine.exitCode === null) {
      const ended = once(engine, 'exit');
      // One that hangs, or never answered, is ended all the same.
      await withTimeout(closeMs, () => removeContainers(docker)).catch(() => undefined);
      engine.kill('SIGTERM');
      await withTimeout(closeMs, () => ended).catch(() => killWhole(engine, at('exec/containerd')));
    }
    const unmount = 'cut -d" " -f2 /proc/mounts | grep "^$1/" | sort -r | xargs -r umount -l';
    await run('sh', ['-c', unmount, 'sh', folder]);
    await rm(folder, { recursive: true, force: true });
    await run('ip', ['link', 'delete', bridge], { env });
  };
  try {
    await until('the second engine answers', () => {
      if (engine.exitCode !== null) throw new Error(`dockerd ended: ${log}`);
      return docker.ping().then(
        () => true,
        () => false,
      );
    });
    const images = fileURLToPath(new URL('make-images.sh', import.meta.url));
    await run('sh', [images], { env: { ...env, DOCKER_HOST: `unix://${socketPath}` } });
    return { docker, socketPath, tcp: `tcp://127.0.0.1:${port}`, tls, dockerConfig, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A removal takes a second, and an engine's own end fifteen at most. */
const closeMs = 40_000;

/** One after the other: Engine 20.10 may hang for ever where several leave the network `none` at once. */
export async function removeContainers(docker: Docker, filters: object = {}): Promise<void> {
  for (const { Id: id } of await docker.listContainers({ all: true, filters: { ...filters } })) {
    await docker.getContainer(id).remove({ force: true, v: true });
  }
}

/** With the containerd that it started, which would stay. */
async function killWhole(engine: ChildProcess, containerd: string): Promise<void> {
  const pid = Number(await readFile(join(containerd, 'containerd.pid'), 'utf8').catch(() => ''));
  engine.kill('SIGKILL');
  if (pid > 1) process.kill(pid, 'SIGTERM');
}

/** A CA, and a certificate of each side. */
async function makeCertificates(folder: string): Promise<SecondEngine['tls']> {
  const at = (name: string): string => join(folder, name);
  const [ca, caKey] = [at('ca.pem'), at('ca-key.pem')];
  const openssl = (...words: string[]): Promise<unknown> => run('openssl', words);
  const fresh = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  await openssl('req', '-x509', ...fresh, '-subj', '/CN=test CA', '-keyout', caKey, '-out', ca);
  for (const [name, use] of [
    ['server', 'serverAuth'],
    ['client', 'clientAuth'],
  ] as const) {
    const [key, cert, request, uses] = [
      at(`${name}-key.pem`),
      at(`${name}.pem`),
      at(`${name}.csr`),
      at(`${name}.ext`),
    ];
    writeFileSync(uses, `subjectAltName=IP:127.0.0.1\nextendedKeyUsage=${use}\n`);
    await openssl(
      'req',
      ...fresh.slice(0, -2),
      '-subj',
      `/CN=${name}`,
      '-keyout',
      key,
      '-out',
      request,
    );
    const signed = ['-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-days', '2', '-extfile', uses];
    await openssl('x509', '-req', '-in', request, ...signed, '-out', cert);
  }
  return { ca, cert: at('client.pem'), key: at('client-key.pem') };
}
