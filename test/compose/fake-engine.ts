import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { connectDocker } from '../../src/docker/connect.ts';

/** Answers one request: `GET /containers/abc/json` or `POST /containers/abc/restart?t=5`. */
export type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** The wire of a Docker engine on a unix socket; dockerode before it is the real one. */
export interface FakeEngine extends AsyncDisposable {
  readonly docker: Docker;
  readonly socketPath: string;
  /** What was asked, as `METHOD /path?query`, in order. */
  readonly requests: string[];
}

export interface Routes {
  readonly [pattern: string]: Answer;
}

/**
 * The first route whose pattern the request line matches answers; a request that fits none is a 500 that
 * names it. `upgrade` takes over hijacked connections.
 */
export async function startFakeEngine(
  routes: Routes,
  upgrade?: (request: IncomingMessage, socket: Socket) => void,
): Promise<FakeEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'dbconn-engine-'));
  const socketPath = join(directory, 'docker.sock');
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const table = Object.entries(routes).map(
    ([pattern, answer]) => [new RegExp(pattern), answer] as const,
  );
  const server = createServer((request, response) => {
    const line = `${request.method} ${decodeURIComponent(request.url ?? '')}`;
    requests.push(line);
    const answer =
      table.find(([pattern]) => pattern.test(line))?.[1] ?? json(500, { message: line });
    answer(request, response);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  });
  if (upgrade !== undefined) {
    server.on('upgrade', (request, socket) => {
      requests.push(`${request.method} ${request.url}`);
      for (const own of sockets) if (own === socket) upgrade(request, own);
    });
  }
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  return {
    docker: connectDocker({ DOCKER_HOST: `unix://${socketPath}` }),
    socketPath,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      rmSync(directory, { recursive: true });
    },
  };
}

export function json(status: number, body: unknown): Answer {
  return (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
}

/** What a proxy answers: a page, and in it something nobody should read in Slack. */
export function html(status: number): Answer {
  return (_request, response) => {
    response
      .writeHead(status, { 'content-type': 'text/html' })
      .end('<html><body><h1>Forbidden</h1> request-token=s3cret </body></html>\n');
  };
}

export function bytes(...chunks: readonly Buffer[]): Answer {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' });
    for (const chunk of chunks) response.write(chunk);
    response.end();
  };
}

/** Accepts the request and never answers. */
export function silence(): Answer {
  return () => {};
}

/** Hangs up in the middle. */
export function hangUp(): Answer {
  return (request) => request.socket.destroy();
}

/** One frame of the engine's log stream. */
export function frame(text: string | Buffer, stream: 'stdout' | 'stderr' = 'stderr'): Buffer {
  const payload = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = stream === 'stdout' ? 1 : 2;
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

export function labelsOf(service: string, number: number): Record<string, string> {
  return {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': service,
    'com.docker.compose.container-number': String(number),
  };
}

/** An entry of the engine's list of containers. */
export function listed(service: string, number: number, more: object = {}): object {
  return {
    Id: `${service}${number}`.padEnd(64, '0'),
    Names: [`/shop-${service}-${number}`],
    Labels: labelsOf(service, number),
    State: 'running',
    Status: 'Up 3 minutes (healthy)',
    ...more,
  };
}

export interface InspectedState {
  readonly Status?: string;
  readonly Running?: boolean;
  readonly Restarting?: boolean;
  readonly ExitCode?: number;
  readonly OOMKilled?: boolean;
  readonly StartedAt?: string;
  readonly Health?: object | null;
}

/** What `inspect` answers, as far as it is read, with a password beside the pool's numbers. */
export function inspected(state: InspectedState = {}, more: object = {}): object {
  return {
    Id: 'backend1'.padEnd(64, '0'),
    Name: '/shop-backend-1',
    RestartCount: 0,
    State: {
      Status: 'running',
      Running: true,
      Restarting: false,
      OOMKilled: false,
      ExitCode: 0,
      StartedAt: '2026-11-23T03:00:00.123456789Z',
      ...state,
    },
    Config: {
      Env: ['DATABASE_URL=postgresql://app:hunter2@db/shop', 'DATABASE_POOL_SIZE=7', 'API_KEY=k3y'],
      Labels: {},
    },
    NetworkSettings: {
      Networks: {
        shop_default: { IPAddress: '172.18.0.3', GlobalIPv6Address: '' },
        other: { IPAddress: '', GlobalIPv6Address: 'fd00::3' },
        detached: { IPAddress: '', GlobalIPv6Address: '' },
      },
    },
    ...more,
  };
}
