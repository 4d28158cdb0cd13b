import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { parse } from 'yaml';
import { z } from 'zod';

const File = z.object({
  services: z.record(z.string(), z.object({ command: z.array(z.string()) })),
});

/** Which paths each method may reach, as a service of deploy/socket-proxy.yml says. */
export type AllowList = ReadonlyMap<string, RegExp>;

/** The pattern has to match the whole path, as wollomatic/socket-proxy does it. */
export function readAllowList(service: string): AllowList {
  const file = new URL('../../deploy/socket-proxy.yml', import.meta.url);
  const { services } = File.parse(parse(readFileSync(file, 'utf8'), { merge: true }));
  const flags = (services[service]?.command ?? []).flatMap((flag) => {
    const [, method, pattern] = /^-allow([A-Z]+)=(.*)$/.exec(flag) ?? [];
    if (method === undefined || pattern === undefined) return [];
    return [[method, new RegExp(`^${pattern}$`)] as const];
  });
  if (flags.length === 0) throw new Error(`deploy/socket-proxy.yml allows ${service} nothing.`);
  return new Map(flags);
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
  const judge = (asked: IncomingMessage): number | undefined => {
    const { pathname } = new URL(asked.url ?? '/', 'http://engine');
    const pattern = allowed.get(asked.method ?? '');
    if (pattern?.test(decodeURIComponent(pathname)) === true) return undefined;
    refused.push(`${asked.method ?? ''} ${pathname}`);
    return pattern === undefined ? 405 : 403;
  };
  const server = createServer((asked, answer) => {
    const status = judge(asked);
    if (status === undefined) passOn(enginePath, asked, answer);
    else answer.writeHead(status, { 'content-type': 'text/plain' }).end('Forbidden\n');
  });
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  // The streams of a program that runs in a container.
  server.on('upgrade', (asked: IncomingMessage, client: Duplex, head: Buffer) => {
    if (judge(asked) === undefined) upgrade(enginePath, asked, { client, head });
    else client.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n');
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
