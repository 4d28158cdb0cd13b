import type { Duplex } from 'node:stream';
import type Docker from 'dockerode';
import { z } from 'zod';
import { cutCodePoints, redactText } from '../runbook/snapshot/redaction/redact-text.ts';
import { findContainers } from './containers.ts';
import { DockerFailure, toProblem } from './failure.ts';
import { LogFrameReader } from './logs/log-lines.ts';
import { withTimeout } from '../timing.ts';

interface PsqlOptions {
  readonly project: string;
  /** The compose service PostgreSQL runs in. */
  readonly postgresService: string;
  readonly user: string;
  readonly database: string;
}

/** psql ran, and said no: its message is the server's, such as `FATAL:  sorry, too many clients already`. */
class PsqlFailure extends Error {
  /** psql's: 1 its own trouble, 2 no connection, 3 the statement failed. */
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.name = 'PsqlFailure';
    this.exitCode = exitCode;
  }
}

const maxOutputBytes = 1024 * 1024;
const maxMessageLength = 300;

/**
 * psql inside the PostgreSQL container, over its socket, as the runbook does it by hand: the last rung when no
 * connection can be had from outside. It is as good as a superuser, so it is opt-in and made for one fixed
 * statement; read-only is the session's default here, and the statement's own business besides.
 * The returned function gives psql's bare output: no header, no alignment. It throws PsqlFailure, or
 * DockerFailure when psql could not be run or gave more than 1 MB.
 */
export function execPsql(
  docker: Docker,
  options: PsqlOptions,
): (sql: string, timeoutMs: number) => Promise<string> {
  return async (sql, timeoutMs) => {
    try {
      return await withTimeout(timeoutMs, (signal) =>
        runPsql(docker, { ...options, sql, timeoutMs, signal }),
      );
    } catch (error) {
      if (error instanceof PsqlFailure) throw error;
      throw new DockerFailure(toProblem(error, `psql in ${options.postgresService}`, 'exec'));
    }
  };
}

interface PsqlRun extends PsqlOptions {
  readonly sql: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const Exit = z.object({ ExitCode: z.number().nullable() });

async function runPsql(docker: Docker, run: PsqlRun): Promise<string> {
  const id = await findPostgres(docker, run);
  const exec = await docker.getContainer(id).exec({
    AttachStdout: true,
    AttachStderr: true,
    Env: psqlEnvironment(run.timeoutMs),
    Cmd: psqlCommand(run),
    abortSignal: run.signal,
  });
  const stream = await exec.start({ hijack: true, stdin: false, abortSignal: run.signal });
  const { stdout, stderr } = await readOutput(stream, run.signal);
  const { ExitCode: exitCode } = Exit.parse(await exec.inspect({ abortSignal: run.signal }));
  if (exitCode === 0) return stdout;
  if (exitCode === 126 || exitCode === 127) throw new DockerFailure(noPsql(run.postgresService));
  throw new PsqlFailure(exitCode ?? -1, messageOf(stderr));
}

async function findPostgres(docker: Docker, run: PsqlRun): Promise<string> {
  const { project, postgresService: service } = run;
  const found = (await findContainers(docker, project, run.timeoutMs)).get(service);
  const running = found?.find(({ state }) => state === 'running');
  if (running !== undefined) return running.id;
  throw new DockerFailure({
    kind: 'missing',
    summary: `No container of the service ${service} in the compose project ${project} is running.`,
    fix: 'See `docker compose ps -a`.',
  });
}

/** Nothing can end a program that was started in a container, so it carries its own ends. */
function psqlEnvironment(timeoutMs: number): string[] {
  const seconds = Math.max(2, Math.ceil(timeoutMs / 1000));
  return [
    // Empty is psql's own default, the socket; the container may have it set to a network address.
    'PGHOST=',
    'PGAPPNAME=dbconn',
    'PGCLIENTENCODING=UTF8',
    'LC_ALL=C',
    `PGCONNECT_TIMEOUT=${seconds}`,
    `PGOPTIONS=-c statement_timeout=${Math.ceil(timeoutMs)} -c default_transaction_read_only=on`,
  ];
}

/**
 * Through psql's standard input, for with `-c` a psql before 15 prints the result of the last statement only,
 * and that is COMMIT. A shell feeds it: closing the write side of a hijacked connection does not survive
 * every proxy. The statement is an argument, never part of the script.
 */
function psqlCommand({ user, database, sql }: PsqlRun): string[] {
  const script = 'printf "%s\\n" "$3" | psql -XAtqw -v ON_ERROR_STOP=1 -U "$1" -d "$2" -f -';
  return ['sh', '-c', script, 'sh', user, database, sql];
}

async function readOutput(
  stream: Duplex,
  signal: AbortSignal,
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  // The upgraded connection no longer hears the request's signal.
  const abort = (): void => void stream.destroy(new Error('The time is up.'));
  signal.addEventListener('abort', abort, { once: true });
  const reader = new LogFrameReader();
  const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      if (!Buffer.isBuffer(chunk)) throw new TypeError('Not bytes.');
      bytes += chunk.length;
      if (bytes > maxOutputBytes) throw new DockerFailure(tooMuch);
      for (const frame of reader.read(chunk)) output[frame.stream].push(frame.bytes);
    }
  } finally {
    signal.removeEventListener('abort', abort);
    stream.destroy();
  }
  return {
    stdout: Buffer.concat(output.stdout).toString('utf8'),
    stderr: Buffer.concat(output.stderr).toString('utf8'),
  };
}

/** The server's word, not psql's circumstances: socket, line and statement stay out. */
function messageOf(stderr: string): string {
  const words = /(?:FATAL|ERROR|PANIC): +[^\n]*/.exec(stderr)?.[0] ?? stderr.trim().split('\n')[0];
  const message = cutCodePoints(redactText(words ?? ''), maxMessageLength);
  return message === '' ? 'psql ended without a word.' : message;
}

const tooMuch = {
  kind: 'invalid',
  summary: 'psql in the container printed more than 1 MB.',
} as const;

function noPsql(service: string): DockerFailure['problem'] {
  return {
    kind: 'unsupported',
    summary: `The image of ${service} has no psql or no shell.`,
    fix: 'Leave the exec rung off, or use an image with both.',
  };
}
