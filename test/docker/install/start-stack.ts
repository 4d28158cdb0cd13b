import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { compose } from '../compose-command.ts';
import { findFreePort } from '../../../sandbox/patient/free-port.ts';

const backendScript = fileURLToPath(new URL('../backend.py', import.meta.url));

/** Somebody's compose project as it was before dbconn: PostgreSQL, and an application that uses it. */
export interface OperatorStack {
  readonly project: string;
  readonly network: string;
  /** Where PostgreSQL is on this machine. */
  readonly port: number;
  readonly password: string;
  /** What psql prints for this statement, inside. */
  ask(statement: string): Promise<string>;
  close(): Promise<void>;
}

export async function startOperatorStack(project: string): Promise<OperatorStack> {
  const folder = await mkdtemp(join(tmpdir(), 'dbconn-stack-'));
  const port = await findFreePort();
  const password = 'stack-secret';
  await writeFile(join(folder, 'compose.yml'), stringify({ services: services(port, password) }));
  const close = async (): Promise<void> => {
    await compose(folder, ['-p', project, 'down', '-v', '-t', '5']);
    await rm(folder, { recursive: true });
  };
  try {
    await compose(folder, ['-p', project, 'up', '-d', '--wait', '--wait-timeout', '100']);
  } catch (error) {
    await close();
    throw error;
  }
  const psql = ['exec', '-T', 'postgres', 'psql', '-U', 'postgres', '-d', 'shop', '-Atc'];
  const ask = async (statement: string): Promise<string> =>
    (await compose(folder, ['-p', project, ...psql, statement])).trim();
  return { project, network: `${project}_default`, port, password, ask, close };
}

function services(port: number, password: string): object {
  const usr = '/usr:/usr:ro'; // the images hold no programs of their own
  return {
    postgres: {
      image: 'dbconn-test/postgres',
      pull_policy: 'never',
      stop_signal: 'SIGINT',
      command: ['postgres', '-c', 'fsync=off', '-c', 'max_connections=30'],
      environment: { POSTGRES_PASSWORD: password, POSTGRES_DB: 'shop' },
      volumes: [usr],
      ports: [`127.0.0.1:${port}:5432`],
      healthcheck: check(['CMD', 'pg_isready', '-q', '-h', '127.0.0.1']),
    },
    backend: {
      image: 'dbconn-test/backend',
      pull_policy: 'never',
      depends_on: { postgres: { condition: 'service_healthy' } },
      // As most are that use the official image: its superuser, and a connection from the start.
      environment: {
        DATABASE_URL: `postgresql+psycopg2://postgres:${password}@postgres/shop`,
        CHECK_DATABASE_AT_START: '1',
      },
      volumes: [usr, `${backendScript}:/app/backend.py:ro`],
    },
  };
}

function check(test: readonly string[]): object {
  return { test, interval: '1s', timeout: '5s', retries: 60 };
}
