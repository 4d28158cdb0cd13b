import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type Docker from 'dockerode';
import { afterAll, beforeAll } from 'vitest';
import { connectDocker } from '../../src/docker/connect.ts';
import { current } from '../support/current.ts';
import { findFreePort } from '../../sandbox/patient/free-port.ts';

/** A compose project made by hand: PostgreSQL and a backend with the labels Compose writes. */
export interface Stack {
  readonly docker: Docker;
  readonly project: string;
  /** Superuser DSN on a random port of this machine. */
  readonly adminUrl: string;
  /** The application's role, an ordinary one. */
  readonly appUrl: string;
  /** dbconn's looking role, with what deploy/grants.sql gives it. */
  readonly lookingUrl: string;
  /** And its acting role. */
  readonly actingUrl: string;
  /** The containers' full ids by service, in the order of their numbers. */
  readonly ids: { readonly postgres: string; readonly backend: readonly string[] };
  /** The base address of a backend replica. */
  backendUrl(number?: number): Promise<string>;
  /** The base addresses of the replicas that run. */
  backendUrls(): Promise<readonly string[]>;
  /** Replaces the backend by one healthy replica for each environment. */
  scaleBackend(environments: readonly Readonly<Record<string, string>>[]): Promise<void>;
  /** Removes containers, volumes and network; throws when one of them stays. */
  close(): Promise<void>;
}

export interface StackOptions {
  readonly replicas?: number;
  /** On the command line, which beats every file. */
  readonly maxConnections?: number;
  /** Lines for postgresql.conf; then nothing stands on the command line, and `maxConnections` belongs here too. */
  readonly postgresqlConf?: readonly string[];
  readonly backendEnv?: Readonly<Record<string, string>>;
}

interface ServiceSpec {
  readonly service: string;
  readonly number?: number;
  readonly oneoff?: boolean;
  /** Labelled as podman-compose does it, which knows no one-offs. */
  readonly podman?: boolean;
  /** On no network of the project. */
  readonly isAlone?: boolean;
  readonly spec: Docker.ContainerCreateOptions;
}

const second = 1_000_000_000;
/** Every password of a stack: none of them may come out of a look. */
export const passwords = ['stack-secret', 'app-secret', 'looking-secret', 'acting-secret'] as const;

const grantsFile = fileURLToPath(new URL('../../deploy/grants.sql', import.meta.url));
const backendScript = fileURLToPath(new URL('backend.py', import.meta.url));

/** A stack that is there while the tests of a `describe` run. */
export function useStack(options: StackOptions = {}): Stack {
  let stack: Stack | undefined;
  beforeAll(async () => {
    stack = await startStack(options);
  });
  afterAll(() => stack?.close());
  return current(() => stack);
}

/** Starts the stack and waits until every container is healthy; leaves nothing behind when it fails. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const docker = connectDocker(process.env);
  const project = `dbconn-test-${process.pid}-${randomBytes(3).toString('hex')}`;
  const close = (): Promise<void> => removeProject(docker, project);
  try {
    await docker.createNetwork({
      Name: `${project}_default`,
      Labels: { 'com.docker.compose.project': project },
    });
    const postgres = await run(docker, project, postgresSpec(options, await findFreePort()));
    await healthy(docker, postgres);
    const replicas = Array.from({ length: options.replicas ?? 1 }, () => options.backendEnv ?? {});
    const backend = new Backend(docker, project);
    await backend.start(replicas);
    const port = await publishedPort(docker, postgres, '5432/tcp');
    const urlOf = (login: string): string => `postgresql://${login}@127.0.0.1:${port}/shop`;
    const adminUrl = urlOf('postgres:stack-secret');
    await grant(adminUrl);
    return {
      docker,
      project,
      adminUrl,
      appUrl: urlOf('app:app-secret'),
      lookingUrl: urlOf('dbconn:looking-secret'),
      actingUrl: urlOf('dbconn_acting:acting-secret'),
      ids: { postgres, backend: backend.ids },
      backendUrl: (number = 1) => backend.url(backend.ids[number - 1] ?? ''),
      backendUrls: () => backend.urls(),
      async scaleBackend(environments) {
        await backend.remove();
        await backend.start(environments);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The backend's containers, running or not, by name: those that were made anew have other ids. */
export async function backendsOf({
  docker,
  project,
}: Stack): Promise<Docker.ContainerInspectInfo[]> {
  const label = [`com.docker.compose.project=${project}`, 'com.docker.compose.service=backend'];
  const listed = await docker.listContainers({ all: true, filters: { label } });
  const found = await Promise.all(listed.map(({ Id: id }) => docker.getContainer(id).inspect()));
  return found.toSorted((a, b) => a.Name.localeCompare(b.Name));
}

/** Runs deploy/grants.sql as an operator would. */
async function grant(adminUrl: string): Promise<void> {
  const variables = ['looking_password=looking-secret', 'acting_password=acting-secret'];
  const set = variables.flatMap((variable) => ['-v', variable]);
  await promisify(execFile)('psql', ['-Xq', '-d', adminUrl, ...set, '-f', grantsFile]);
}

/** The replicas of the backend. */
class Backend {
  readonly ids: string[] = [];
  readonly #docker: Docker;
  readonly #project: string;

  constructor(docker: Docker, project: string) {
    this.#docker = docker;
    this.#project = project;
  }

  async start(environments: readonly Readonly<Record<string, string>>[]): Promise<void> {
    const started = environments.map(async (environment, index) =>
      run(this.#docker, this.#project, backendSpec(index + 1, environment, await findFreePort())),
    );
    this.ids.push(...(await Promise.all(started)));
    await Promise.all(this.ids.map((id) => healthy(this.#docker, id)));
  }

  async remove(): Promise<void> {
    const gone = this.ids.splice(0);
    await Promise.all(gone.map((id) => this.#docker.getContainer(id).remove({ force: true })));
  }

  async url(id: string): Promise<string> {
    return `http://127.0.0.1:${await publishedPort(this.#docker, id, '8000/tcp')}`;
  }

  async urls(): Promise<string[]> {
    const states = await Promise.all(this.ids.map((id) => this.#docker.getContainer(id).inspect()));
    const running = states.filter(({ NetworkSettings: { Ports: ports } }) => ports['8000/tcp']);
    return Promise.all(running.map(({ Id: id }) => this.url(id)));
  }
}

/** Creates and starts one container of a project, labelled as Compose 2 does. Gives its id. */
export async function run(docker: Docker, project: string, what: ServiceSpec): Promise<string> {
  const { service, number = 1, oneoff = false, podman = false, isAlone = false, spec } = what;
  const name = oneoff ? `${project}-${service}-run-1` : `${project}-${service}-${number}`;
  const body: Docker.ContainerCreateOptions = {
    ...spec,
    Labels: {
      'com.docker.compose.project': project,
      'com.docker.compose.service': service,
      ...(podman
        ? { 'io.podman.compose.project': project }
        : { 'com.docker.compose.oneoff': oneoff ? 'True' : 'False' }),
      ...(!oneoff && { 'com.docker.compose.container-number': String(number) }),
    },
    HostConfig: {
      Binds: ['/usr:/usr:ro'],
      NetworkMode: `${project}_default`,
      ...spec.HostConfig,
    },
    ...(!isAlone && {
      NetworkingConfig: { EndpointsConfig: { [`${project}_default`]: { Aliases: [service] } } },
    }),
  };
  // Without _query and _body the whole specification, passwords too, would stand in the URL.
  const create: Docker.ContainerCreateOptions & { _query: object; _body: object } = {
    _query: { name },
    _body: body,
  };
  const container = await docker.createContainer(create);
  await container.start();
  return container.id;
}

function postgresSpec(
  { maxConnections = 30, postgresqlConf }: StackOptions,
  port: number,
): ServiceSpec {
  const onCommandLine = postgresqlConf === undefined;
  return {
    service: 'postgres',
    spec: {
      Image: 'dbconn-test/postgres',
      Env: [
        'POSTGRES_PASSWORD=stack-secret',
        'POSTGRES_DB=shop',
        'APP_PASSWORD=app-secret',
        `POSTGRESQL_CONF=${(postgresqlConf ?? []).join('\n')}`,
      ],
      Cmd: [
        'postgres',
        '-c',
        'fsync=off',
        ...(onCommandLine ? ['-c', `max_connections=${maxConnections}`] : []),
      ],
      ExposedPorts: { '5432/tcp': {} },
      StopSignal: 'SIGINT',
      Healthcheck: check(['CMD', 'pg_isready', '-q', '-h', '127.0.0.1']),
      HostConfig: { Binds: ['/usr:/usr:ro'], PortBindings: onPort('5432/tcp', port) },
    },
  };
}

function backendSpec(
  number: number,
  environment: Readonly<Record<string, string>>,
  port: number,
): ServiceSpec {
  const variables: Record<string, string> = {
    DATABASE_URL: 'postgresql+psycopg2://app:app-secret@postgres/shop',
    DATABASE_POOL_SIZE: '5',
    DATABASE_MAX_OVERFLOW: '10',
    DATABASE_POOL_TIMEOUT: '0.5',
    ...environment,
  };
  const probe = 'import urllib.request as u; u.urlopen("http://127.0.0.1:8000/healthz", timeout=2)';
  return {
    service: 'backend',
    number,
    spec: {
      Image: 'dbconn-test/backend',
      Env: Object.entries(variables).map(([name, value]) => `${name}=${value}`),
      ExposedPorts: { '8000/tcp': {} },
      Healthcheck: check(['CMD', 'python3', '-c', probe]),
      HostConfig: {
        Binds: ['/usr:/usr:ro', `${backendScript}:/app/backend.py:ro`],
        PortBindings: onPort('8000/tcp', port),
        RestartPolicy: { Name: 'unless-stopped' },
      },
    },
  };
}

function check(test: string[]): Docker.HealthConfig {
  return { Test: test, Interval: second / 2, Timeout: 5 * second, Retries: 60, StartPeriod: 0 };
}

/** A fixed one: a port that the engine chooses is another after each restart, and dbconn.yml names one. */
function onPort(inside: string, port: number): Docker.PortMap {
  return { [inside]: [{ HostIp: '127.0.0.1', HostPort: String(port) }] };
}

async function healthy(docker: Docker, id: string): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const { State: state, Name: name } = await docker.getContainer(id).inspect();
    if (state.Health?.Status === 'healthy') return;
    if (state.Status === 'exited' || Date.now() > deadline) {
      const log = await docker.getContainer(id).logs({ stdout: true, stderr: true, tail: 20 });
      throw new Error(`${name} did not become healthy: ${state.Status}\n${log.toString('utf8')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function publishedPort(docker: Docker, id: string, port: string): Promise<string> {
  const { NetworkSettings: settings } = await docker.getContainer(id).inspect();
  const published = settings.Ports[port]?.[0]?.HostPort;
  if (published === undefined) throw new Error(`${id.slice(0, 12)} publishes no ${port}.`);
  return published;
}

async function removeProject(docker: Docker, project: string): Promise<void> {
  const filters = { label: [`com.docker.compose.project=${project}`] };
  const containers = await docker.listContainers({ all: true, filters });
  await Promise.all(
    containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true })),
  );
  const networks = await docker.listNetworks({ filters });
  await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove()));
  const left = [
    ...(await docker.listContainers({ all: true, filters })).flatMap(({ Names }) => Names),
    ...(await docker.listNetworks({ filters })).map(({ Name }) => Name),
  ];
  if (left.length > 0) throw new Error(`The stack left ${left.join(', ')} behind.`);
}
