import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import type { Permission, ServicePermissions } from '../runbook/snapshot/ports.ts';
import { DockerFailure, readStatus, toProblem } from './failure.ts';
import type { DockerAction } from './failure.ts';
import { withTimeout } from '../timing.ts';

/** The docker command's own variables, handed in; dbconn reads its environment in one place. */
interface DockerEnvironment {
  readonly DOCKER_HOST?: string | undefined;
  readonly DOCKER_TLS_VERIFY?: string | undefined;
  readonly DOCKER_CERT_PATH?: string | undefined;
}

/**
 * A client for the engine these variables name, understood as the docker command understands them; opens
 * nothing yet. Throws DockerFailure when they cannot be used.
 *
 * Left to itself dockerode takes DOCKER_TLS_VERIFY=true for plain HTTP, cuts every call at
 * DOCKER_CLIENT_TIMEOUT, restarts too, and its SSH neither runs on Node 26 nor checks the host's key.
 */
export function connectDocker(environment: DockerEnvironment): Docker {
  const { DOCKER_HOST: host = '' } = environment;
  if (host === '') return onSocket(undefined);
  const [, scheme = '', rest = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(host) ?? [];
  switch (scheme) {
    case 'unix':
    case 'npipe':
      return onSocket(rest === '' ? undefined : rest);
    case 'ssh':
      throw new DockerFailure({
        kind: 'unsupported',
        summary: 'DOCKER_HOST names an engine behind SSH, which dbconn does not speak.',
        fix: 'Forward its socket: `ssh -nNT -L /run/dbconn-docker.sock:/var/run/docker.sock user@host`, and set DOCKER_HOST=unix:///run/dbconn-docker.sock.',
      });
    case '':
    case 'tcp':
    case 'http':
    case 'https':
      return onPort(scheme, rest, environment);
    default:
      throw notUsable();
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

function onSocket(path: string | undefined): Docker {
  const socketPath = path ?? '/var/run/docker.sock';
  // An empty host: with one out of the environment dockerode would forget the socket.
  const nowhere = { host: '', port: undefined, protocol: 'http' as const };
  return new Docker({ ...nothingFromTheEnvironment, ...nowhere, socketPath });
}

function onPort(scheme: string, rest: string, environment: DockerEnvironment): Docker {
  const { DOCKER_TLS_VERIFY: verify = '', DOCKER_CERT_PATH: certificates } = environment;
  const url = URL.parse(`tcp://${rest}`);
  if (url === null || url.hostname === '') throw notUsable();
  const secure = scheme === 'https' || verify !== '' || url.port === '2376';
  return new Docker({
    ...nothingFromTheEnvironment,
    host: url.hostname,
    port: url.port === '' ? (secure ? 2376 : 2375) : Number(url.port),
    protocol: secure ? 'https' : 'http',
    ...(secure && certificates !== undefined && readCertificates(certificates)),
  });
}

function readCertificates(directory: string): { ca: Buffer; cert: Buffer; key: Buffer } {
  const read = (name: string): Buffer => readFileSync(join(directory, name));
  try {
    return { ca: read('ca.pem'), cert: read('cert.pem'), key: read('key.pem') };
  } catch {
    throw new DockerFailure({
      kind: 'missing',
      summary: 'The certificates for Docker cannot be read.',
      fix: 'DOCKER_CERT_PATH needs ca.pem, cert.pem and key.pem, readable for dbconn.',
    });
  }
}

function notUsable(): DockerFailure {
  return new DockerFailure({
    kind: 'invalid',
    summary: 'DOCKER_HOST is no address of a Docker engine.',
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
