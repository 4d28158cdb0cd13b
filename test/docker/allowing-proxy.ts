import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';

/** Which paths each method may reach, as a service of deploy/socket-proxy.yml says. */
export type AllowList = ReadonlyMap<string, RegExp>;

/** Of its flags, such as `-allowGET=/_ping`: the pattern has to match the whole path, as wollomatic/socket-proxy does it. */
export function toAllowList(flags: readonly string[]): AllowList {
  const allowed = flags.flatMap((flag) => {
    const [, method, pattern] = /^-allow([A-Z]+)=(.*)$/.exec(flag) ?? [];
    if (method === undefined || pattern === undefined) return [];
    return [[method, new RegExp(`^${pattern}$`)] as const];
  });
  if (allowed.length === 0) throw new Error('These flags allow nothing.');
  return new Map(allowed);
}

/** A proxy before the engine that lets through what is allowed, and refuses as wollomatic/socket-proxy does. */
export interface AllowingProxy {
  readonly socketPath: string;
  /** What it refused, such as `POST /containers/create`. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

export async function startAllowingProxy(
  enginePath: string,
  allowed: AllowList,
): Promise<AllowingProxy> {
  const directory = mkdtempSync(join(tmpdir(), 'dbconn-allow-'));
  const socketPath = join(directory, 'docker.sock');
  const refused: string[] = [];
  const open = new Set<Socket>();
  const server = createAllowingServer(enginePath, allowed, (asked) => refused.push(asked));
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  return {
    socketPath,
    refused,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      rmSync(directory, { recursive: true });
    },
  };
}

/** Not listening yet. `onRefused` hears of each request it refuses, such as `POST /containers/create`. */
export function createAllowingServer(
  enginePath: string,
  allowed: AllowList,
  onRefused: (asked: string) => void,
): Server {
  const judge = (asked: IncomingMessage): number | undefined => {
    const { pathname } = new URL(asked.url ?? '/', 'http://engine');
    const pattern = allowed.get(asked.method ?? '');
    if (pattern?.test(decodeURIComponent(pathname)) === true) return undefined;
    onRefused(`${asked.method ?? ''} ${pathname}`);
    return pattern === undefined ? 405 : 403;
  };
  const server = createServer((asked, answer) => {
    const status = judge(asked);
    if (status === undefined) passOn(enginePath, asked, answer);
    else answer.writeHead(status, { 'content-type': 'text/plain' }).end('Forbidden\n');
  });
  // The streams of a program that runs in a container.
  server.on('upgrade', (asked: IncomingMessage, client: Duplex, head: Buffer) => {
    if (judge(asked) === undefined) upgrade(enginePath, asked, { client, head });
    else client.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
  });
  return server;
}

function passOn(enginePath: string, asked: IncomingMessage, answer: ServerResponse): void {
  const { method, url, headers } = asked;
  const toEngine = request({ socketPath: enginePath, method, path: url, headers }, (engine) => {
    answer.writeHead(engine.statusCode ?? 502, engine.headers);
    engine.pipe(answer);
    answer.on('close', () => engine.destroy());
  });
  toEngine.on('error', () => answer.destroy());
  answer.on('close', () => toEngine.destroy());
  asked.pipe(toEngine);
}

interface Upgrade {
  readonly client: Duplex;
  readonly head: Buffer;
}

function upgrade(enginePath: string, asked: IncomingMessage, { client, head }: Upgrade): void {
  const { method = '', url = '', rawHeaders } = asked;
  const lines = rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`));
  const engine = connect(enginePath);
  engine.write(`${method} ${url} HTTP/1.1\r\n${lines.join('')}\r\n`);
  asked.on('data', (chunk: Buffer) => engine.write(chunk));
  asked.on('end', () => {
    engine.write(head);
    client.pipe(engine);
  });
  engine.pipe(client);
  client.on('error', () => engine.destroy());
  engine.on('error', () => client.destroy());
}
