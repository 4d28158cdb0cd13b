import { randomUUID } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { Permission, ServicePermissions } from '../runbook/snapshot/ports.ts';
import { readContext } from './docker-context.ts';
import type { TlsFiles } from './docker-context.ts';
import { DockerFailure, readStatus, toProblem } from './failure.ts';
import type { DockerAction } from './failure.ts';
import { withTimeout } from '../timing.ts';

/** The docker command's own variables, handed in; dbconn reads its environment in one place. */
interface DockerEnvironment {
  readonly DOCKER_HOST?: string | undefined;
  readonly DOCKER_TLS_VERIFY?: string | undefined;
  readonly DOCKER_CERT_PATH?: string | undefined;
}

/** Where an engine is. */
interface Address {
  /** The setting that says so, as an operator knows it. */
  readonly setting: string;
  readonly host: string;
  /** TLS whatever the port is. */
  readonly isSecure: boolean;
  readonly files?: TlsFiles;
  /** What to do where these files cannot be read. */
  readonly filesAdvice: string;
}

/**
 * A client for the engine these variables name, understood as the docker command understands them; opens
 * nothing yet. Throws DockerFailure when they cannot be used.
 *
 * Left to itself dockerode takes DOCKER_TLS_VERIFY=true for plain HTTP, cuts every call at
 * DOCKER_CLIENT_TIMEOUT, restarts too, and its SSH neither runs on Node 26 nor checks the host's key.
 */
export function connectDocker(environment: DockerEnvironment): Docker {
  const { DOCKER_HOST: host = '', DOCKER_TLS_VERIFY: verify = '' } = environment;
  const { DOCKER_CERT_PATH: folder } = environment;
  const at = (name: string): string => join(folder ?? '', `${name}.pem`);
  return connectAt({
    setting: 'DOCKER_HOST',
    host,
    isSecure: verify !== '',
    ...(folder !== undefined && { files: { ca: at('ca'), cert: at('cert'), key: at('key') } }),
    filesAdvice: 'DOCKER_CERT_PATH needs ca.pem, cert.pem and key.pem, readable for dbconn.',
  });
}

/** An engine of a target's own: by its address, or by a context of the docker command. */
interface OwnEngine {
  readonly host?: string;
  readonly tls?: TlsFiles;
  readonly context?: string;
}

/**
 * The same for a target that names its engine itself.
 * @param folder the docker command's, where DOCKER_CONFIG names another one than `~/.docker`.
 */
export function connectOwnEngine({ host, tls, context }: OwnEngine, folder?: string): Docker {
  if (context !== undefined) return connectContext(context, folder);
  return connectAt({
    setting: 'compose.docker.host',
    host: host ?? '',
    isSecure: tls !== undefined,
    files: tls ?? {},
    filesAdvice: 'compose.docker.tls names files in PEM, readable for dbconn.',
  });
}

function connectContext(name: string, folder: string | undefined): Docker {
  const { host, tls, skipsVerification } = readContext(name, folder);
  if (host === null) {
    throw new DockerFailure({
      kind: 'missing',
      summary: `The docker command has no context ${name} here, or none that can be read.`,
      fix: 'Compare it with `docker context ls`, run as the user dbconn runs as, or set compose.docker.host.',
    });
  }
  if (skipsVerification) {
    throw new DockerFailure({
      kind: 'unsupported',
      summary: `The context ${name} accepts any certificate of the engine, which dbconn does not do.`,
      fix: 'Give the context the engine’s CA, without skip-tls-verify.',
    });
  }
  return connectAt({
    setting: `The context ${name}`,
    host,
    isSecure: tls !== undefined,
    files: tls ?? {},
    filesAdvice: `The files of the context ${name} must be readable for dbconn.`,
  });
}

function connectAt(address: Address): Docker {
  if (address.host === '') return onSocket(undefined);
  const [, scheme = '', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(address.host) ?? [];
  switch (scheme) {
    case 'unix':
    case 'npipe':
      return onSocket(rest === '' ? undefined : rest);
    case 'ssh':
      throw new DockerFailure({
        kind: 'unsupported',
        summary: `${address.setting} names an engine behind SSH, which dbconn does not speak.`,
        fix: 'Forward its socket: `ssh -nNT -L /run/dbconn-docker.sock:/var/run/docker.sock user@host`, and name unix:///run/dbconn-docker.sock instead.',
      });
    case '':
    case 'tcp':
    case 'http':
    case 'https':
      return onPort(scheme, rest, address);
    default:
      throw notUsable(address);
  }
}

/** Undefined as its value keeps dockerode from putting the environment's back in. */
const nothingFromTheEnvironment = {
  timeout: undefined,
  pathPrefix: '/',
  ca: undefined,
  cert: undefined,
  key: undefined,
};

/** dockerode reads the environment's address and certificates all the same, and throws where it cannot. */
function createClient(options: Docker.DockerOptions): Docker {
  try {
    return new Docker({ ...nothingFromTheEnvironment, ...options });
  } catch {
    throw new DockerFailure({
      kind: 'invalid',
      summary: 'DOCKER_HOST or DOCKER_CERT_PATH of the environment cannot be used.',
      fix: 'Correct them, or unset them where each target has compose.docker.',
    });
  }
}

function onSocket(path: string | undefined): Docker {
  const socketPath = path ?? '/var/run/docker.sock';
  // An empty host: with one out of the environment dockerode would forget the socket.
  const nowhere = { host: '', port: undefined, protocol: 'http' as const };
  return createClient({ ...nowhere, socketPath });
}

function onPort(scheme: string, rest: string, address: Address): Docker {
  const url = URL.parse(`tcp://${rest}`);
  if (url === null || url.hostname === '') throw notUsable(address);
  const secure = scheme === 'https' || address.isSecure || url.port === '2376';
  return createClient({
    host: url.hostname,
    port: url.port === '' ? (secure ? 2376 : 2375) : Number(url.port),
    protocol: secure ? 'https' : 'http',
    ...(secure && readCertificates(address)),
  });
}

function readCertificates({ files = {}, filesAdvice: fix }: Address): Record<string, Buffer> {
  try {
    const entries = Object.entries<string>({ ...files });
    return Object.fromEntries(entries.map(([part, path]) => [part, readPem(path)]));
  } catch {
    const summary = 'The certificates for Docker cannot be read.';
    throw new DockerFailure({ kind: 'missing', summary, fix });
  }
}

/** Some certificates of a few kilobytes; a pipe would be waited for. */
const maxPemBytes = 256 * 1024;

function readPem(path: string): Buffer {
  const stats = statSync(path);
  if (!stats.isFile() || stats.size > maxPemBytes)
    throw new Error('It is no file of certificates.');
  return readFileSync(path);
}

function notUsable({ setting }: Address): DockerFailure {
  return new DockerFailure({
    kind: 'invalid',
    summary: `${setting} is no address of a Docker engine.`,
    fix: 'Write it as unix:///var/run/docker.sock or tcp://docker-proxy:2375.',
  });
}

/** As long as the database has: all of it is asked at the same time. */
const callBudgetMs = 4_000;

/**
 * Finds out what the engine, or the proxy before it, lets dbconn do, and changes nothing: all it asks for is about
 * containers, images and networks that cannot exist. "No such container" comes from the engine, so the request was let
 * through; a proxy refuses it before. Never throws.
 */
export async function probeDocker(docker: Docker): Promise<ServicePermissions> {
  const nobody = `dbconn-probe-${randomUUID()}`;
  const container = docker.getContainer(nobody);
  const stopAndStart: readonly Call[] = [
    (signal) => container.stop(sent(signal)),
    (signal) => container.start(sent(signal)),
  ];
  const [read, restart, exec, recreate, server] = await Promise.all([
    probe('read', [(abortSignal) => docker.listContainers({ limit: 1, abortSignal })]),
    probe('restart', [(signal) => container.restart(sent(signal))]),
    probe('exec', [
      (abortSignal) => container.exec({ Cmd: ['true'], abortSignal }),
      // A proxy may allow to prepare a program and refuse to start it.
      (abortSignal) => docker.getExec(nobody).start({ abortSignal }),
    ]),
    probe('recreate', [
      (signal) => docker.createContainer(sent(signal, { name: nobody }, { Image: nobody })),
      (signal) => container.rename(sent(signal, { name: `${nobody}-old` })),
      ...stopAndStart,
      (signal) => docker.getNetwork(nobody).connect(sent(signal, {}, { Container: nobody })),
      (signal) => container.remove(sent(signal)),
    ]),
    probe('server', [
      ...stopAndStart,
      (signal) => container.kill(sent(signal)),
      (abortSignal) => container.getArchive({ path: '/', abortSignal }),
    ]),
  ]);
  return { read, restart, exec, recreate, server };
}

type Call = (signal: AbortSignal) => Promise<unknown>;

/** Left to itself dockerode puts the body into the address too. */
function sent(abortSignal: AbortSignal, _query: object = {}, _body: object = {}): Sent {
  return { abortSignal, _query, _body };
}

/** What dockerode knows and its types do not. */
interface Sent extends Docker.NetworkConnectOptions {
  readonly abortSignal: AbortSignal;
  readonly _query: object;
  readonly _body: object;
}

/** All of these calls, or the first that is not let through. */
async function probe(action: DockerAction, calls: readonly Call[]): Promise<Permission> {
  const answers = await Promise.all(calls.map((call) => probeCall(action, call)));
  return answers.find(({ state }) => state !== 'allowed') ?? { state: 'allowed' };
}

async function probeCall(action: DockerAction, call: Call): Promise<Permission> {
  try {
    await withTimeout(callBudgetMs, call);
    return { state: 'allowed' };
  } catch (error) {
    const problem = toProblem(error, 'a container', action);
    // A 404 in words is the engine's; one in HTML is some other server's.
    if (readStatus(error) === 404 && problem.kind === 'missing') return { state: 'allowed' };
    return { state: problem.kind === 'forbidden' ? 'refused' : 'unknown', problem };
  }
}
