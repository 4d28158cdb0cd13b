import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { connectDocker } from '../../src/docker/connect.ts';
import { findFreePort } from '../../sandbox/patient/free-port.ts';
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
      : has('dockerd')
        ? null
        : 'there is no dockerd';
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

/** Without a bridge and without firewall rules, which are the machine's: its containers have no network. */
export async function startSecondEngine(): Promise<SecondEngine> {
  const folder = mkdtempSync(join(tmpdir(), 'dbconn-engine-'));
  const at = (name: string): string => join(folder, name);
  const [socketPath, port] = [at('docker.sock'), await findFreePort()];
  const tls = await makeCertificates(folder);
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
    '--bridge=none',
    '--iptables=false',
    '--ip6tables=false',
  ];
  const env = { ...process.env, PATH: `${process.env['PATH']}${delimiter}/usr/sbin` };
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
      await removeContainers(docker).catch(() => undefined); // it may never have answered
      engine.kill('SIGTERM');
      await ended;
    }
    await run('sh', [
      '-c',
      'grep -o "$1/[^ ]*" /proc/mounts | sort -r | xargs -r umount -l',
      'sh',
      folder,
    ]);
    await rm(folder, { recursive: true, force: true });
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

async function removeContainers(docker: Docker): Promise<void> {
  const all = await docker.listContainers({ all: true });
  await Promise.all(
    all.map(({ Id: id }) => docker.getContainer(id).remove({ force: true, v: true })),
  );
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
