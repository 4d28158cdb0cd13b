import { statSync } from 'node:fs';
import { z } from 'zod';
import type { Problem } from '../runbook/snapshot/snapshot.ts';
import { readCurrentContext } from './docker-context.ts';
import { TimedOut } from '../timing.ts';

/** What was asked of Docker; decides which permission a refusal is about. */
export type DockerAction = 'read' | 'restart' | 'recreate' | 'exec' | 'server';

/** What was found, or why it could not be. */
export type Found<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** A call to Docker failed, in the operator's words. */
export class DockerFailure extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.fix === undefined ? problem.summary : `${problem.summary} ${problem.fix}`);
    this.name = 'DockerFailure';
    this.problem = problem;
  }
}

/** Docker was asked to change something and gave no answer of its own, so it may still do it. */
export class Unanswered extends DockerFailure {}

/** Docker's API knows no deadline: what got no answer may still be carried out. */
export function unanswered(problem: Problem | undefined, deed: string): Problem {
  const { kind = 'invalid', summary = '' } = problem ?? {};
  return {
    kind,
    summary: `${summary} Docker did not answer whether it ${deed}, and still may.`.trim(),
    fix: 'Check it again before you change it by hand.',
  };
}

/** An answer below 501 is Docker's own and last word. Without one, or with a proxy's, it may be at it still. */
export function isFinal(error: unknown): boolean {
  return (readStatus(error) ?? 502) <= 500;
}

/** What dockerode and Node put on an error. Its message is never shown: it holds a proxy's HTML, ids, bodies. */
const EngineError = z.object({
  code: z.string().optional().catch(undefined),
  address: z.string().optional().catch(undefined),
  port: z.number().optional().catch(undefined),
  statusCode: z.number().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  json: z.unknown().optional(),
});
type EngineError = z.infer<typeof EngineError>;

/** Only an engine answers an error with this; a proxy or another server answers text, which arrives as bytes. */
const EngineBody = z.object({ message: z.string() });

/**
 * The engine's own words, to recognise a case by, never to show; null when somebody else answered. For what
 * dockerode hands out as a stream it gives no body, only a message in which that body stands.
 */
function wordsOfEngine({ json, message }: EngineError): string | null {
  if (json === null) return message === undefined || message.includes('<') ? null : message;
  return EngineBody.safeParse(json).data?.message ?? null;
}

/**
 * The one place where a dockerode error becomes words.
 * @param subject what was asked for, such as `container shop-backend-1`; a configured name or an engine's.
 */
export function toProblem(error: unknown, subject: string, action: DockerAction = 'read'): Problem {
  if (error instanceof DockerFailure) return error.problem;
  if (error instanceof TimedOut) return tooSlow(error, subject);
  if (error instanceof z.ZodError) return notUnderstood(subject);
  const parsed = EngineError.safeParse(error);
  if (!parsed.success) return notUnderstood(subject);
  const failure = parsed.data;
  if (failure.statusCode !== undefined) return fromStatus(failure, subject, action);
  if (failure.code !== undefined) return fromCode(failure, failure.code, subject);
  return notUnderstood(subject);
}

/** The HTTP status of an answer, when there was one. */
export function readStatus(error: unknown): number | undefined {
  const parsed = EngineError.safeParse(error);
  return parsed.success ? parsed.data.statusCode : undefined;
}

function tooSlow({ afterMs }: TimedOut, subject: string): Problem {
  return {
    kind: 'timeout',
    summary: `Docker did not answer for ${subject} within ${afterMs / 1000} s.`,
    fix: 'Run `docker ps` on its host; if that hangs too, check the engine itself.',
  };
}

/** What names an engine: a target's own comes first. */
const setting = 'compose.docker or DOCKER_HOST';

function notUnderstood(subject: string): Problem {
  return {
    kind: 'invalid',
    summary: `What answers for ${subject} does not speak the Docker Engine API.`,
    fix: `Check that ${setting} leads to a Docker engine or to its proxy.`,
  };
}

function fromCode(failure: EngineError, code: string, subject: string): Problem {
  const where = whereOf(failure);
  switch (code) {
    case 'ENOENT':
      return {
        kind: 'missing',
        summary: `There is no Docker socket at ${where}.`,
        fix: whereElse(),
      };
    case 'EACCES':
    case 'EPERM':
      return {
        kind: 'forbidden',
        summary: `dbconn may not open the Docker socket at ${where}.`,
        fix: `Add the socket's group to dbconn's container: group_add: ["${groupOf(failure.address)}"].`,
      };
    case 'ECONNREFUSED':
      return {
        kind: 'unreachable',
        summary: `Nothing listens at ${where}: the Docker engine or its proxy is stopped.`,
        fix: `Start it (\`systemctl start docker\`), or correct ${setting}.`,
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return {
        kind: 'unreachable',
        summary: 'The host of the Docker engine has no address.',
        fix: `Correct ${setting}, or join the network on which the proxy has that name.`,
      };
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return {
        kind: 'unreachable',
        summary: `There is no way to ${where}.`,
        fix: `Check ${setting} and the firewall between.`,
      };
    default:
      return fromOtherCode(code, subject);
  }
}

function fromOtherCode(code: string, subject: string): Problem {
  if (/^ERR_SSL|^ERR_TLS|^EPROTO$|CERT|SIGNATURE/.test(code)) {
    return tlsProblem(`The TLS handshake with Docker failed (${code}).`);
  }
  if (code.startsWith('HPE_')) return notUnderstood(subject);
  return {
    kind: 'unreachable',
    summary: `The connection to Docker broke while asking for ${subject} (${code}).`,
    fix: 'Read the log of the engine and of its proxy; an engine that expects TLS needs DOCKER_TLS_VERIFY=1.',
  };
}

function tlsProblem(summary: string): Problem {
  return {
    kind: 'forbidden',
    summary,
    fix: 'Where Docker expects TLS: DOCKER_TLS_VERIFY=1, and ca.pem, cert.pem and key.pem in DOCKER_CERT_PATH. Where it does not, unset both. A target’s own engine: compose.docker.tls.',
  };
}

function fromStatus(failure: EngineError, subject: string, action: DockerAction): Problem {
  const words = wordsOfEngine(failure);
  switch (failure.statusCode) {
    case 401:
    case 403:
    case 405:
      return {
        kind: 'forbidden',
        summary: `${denied[action]} is refused.`,
        fix: permission[action],
      };
    case 404:
      return words === null
        ? notUnderstood(subject)
        : {
            kind: 'missing',
            summary: `Docker no longer knows ${subject}.`,
            fix: 'It was removed or replaced a moment ago. Check again.',
          };
    case 409:
      return {
        kind: 'invalid',
        summary: `Docker cannot do that with ${subject} now: it is stopped, paused or being removed.`,
        fix: 'See its state with `docker ps -a`.',
      };
    case 400:
      // Go's own server says so in plain text.
      return /request to an HTTPS server/.test(failure.message ?? '')
        ? tlsProblem('Docker expects TLS, and was asked without.')
        : fromBadRequest(words ?? '', subject);
    case 502:
    case 503:
    case 504:
      return {
        kind: 'unreachable',
        summary: `The proxy in front of Docker answered ${failure.statusCode}: it does not reach the engine.`,
        fix: 'Check that Docker runs and that the proxy has its socket.',
      };
    default:
      return fromEngine(failure.statusCode, words ?? '', subject);
  }
}

function fromBadRequest(message: string, subject: string): Problem {
  if (!/client version/i.test(message)) return rejected(400, subject);
  return {
    kind: 'unsupported',
    summary: 'The Docker engine does not speak the API version it was asked for.',
    fix: 'Unset DOCKER_API_VERSION; update the engine if it is older than 20.10.',
  };
}

function fromEngine(status: number | undefined, message: string, subject: string): Problem {
  // 501 since Engine 20.10, 500 before it and with Podman.
  if (status === 501 || /does not support reading/i.test(message)) {
    return {
      kind: 'unsupported',
      summary: `The logs of ${subject} cannot be read back: its log driver keeps none.`,
      fix: 'Use the log driver local, json-file or journald, or read them where the driver sends them.',
    };
  }
  return rejected(status, subject);
}

function rejected(status: number | undefined, subject: string): Problem {
  return {
    kind: 'invalid',
    summary: `Docker failed at ${subject} (HTTP ${status}).`,
    fix: "Read the engine's log: `journalctl -u docker`.",
  };
}

const denied: Record<DockerAction, string> = {
  read: 'Reading containers',
  restart: 'Restarting a container',
  recreate: 'Recreating a container',
  exec: 'Running a program in a container',
  server: 'Stopping, starting or writing into the container of PostgreSQL',
};

const permission: Record<DockerAction, string> = {
  read: 'Allow it in the proxy: CONTAINERS=1.',
  restart:
    'Allow it in the proxy: POST=1 and ALLOW_RESTARTS=1 (ALLOW_RESTARTS alone does nothing).',
  recreate:
    'Allow it in the proxy: POST=1, CONTAINERS=1, IMAGES=1 and NETWORKS=1; that is as good as root on the host.',
  exec: 'Allow it in the proxy: POST=1, CONTAINERS=1 and EXEC=1; that is as good as root on the host.',
  server: 'Allow it in the proxy: POST=1 and CONTAINERS=1; that is as good as root on the host.',
};

function whereOf({ address, port }: EngineError): string {
  if (address === undefined) return 'the Docker engine';
  return port === undefined ? address : `${address}:${port}`;
}

/** Docker may well run: the docker command finds it by its current context, which dbconn does not follow by itself. */
function whereElse(): string {
  const context = readCurrentContext();
  if (context !== null) {
    const { name, host } = context;
    const uses = `The docker command here uses the context ${name}`;
    return host === null || host.startsWith('ssh:')
      ? `${uses}: set DOCKER_HOST to the address that \`docker context inspect ${name}\` shows.`
      : `${uses}: set compose.docker.context to ${name} in dbconn.yml, or DOCKER_HOST=${host}.`;
  }
  return 'Start Docker, or set DOCKER_HOST to what `docker context inspect` shows. In a container, mount the socket. Without Docker, remove `compose` from dbconn.yml.';
}

/** A socket one may not open still tells its group, and that number is the whole fix. */
function groupOf(socket: string | undefined): string {
  const otherwise = 'the number `stat -c %g /var/run/docker.sock` prints on the host';
  if (socket === undefined) return otherwise;
  try {
    return String(statSync(socket).gid);
  } catch {
    return otherwise;
  }
}
