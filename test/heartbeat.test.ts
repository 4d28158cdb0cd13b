import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHeartbeat } from '../src/http/health.ts';
import { until } from './support/until.ts';

let server: Server;
let url: string;
let beats: number;
let respond: (response: ServerResponse) => void;
let lines: string[];
let problems: string[];
beforeEach(async () => {
  [beats, lines, problems] = [0, [], []];
  respond = (response) => response.end();
  server = createServer((_request, response) => {
    beats += 1;
    respond(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  url = `http://127.0.0.1:${address.port}/ping/secret-uuid`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function create(): () => Promise<void> {
  const log = pino({}, { write: (line: string) => void lines.push(line) });
  return createHeartbeat({ url, fetch, problems: () => problems, log });
}

test('it calls the address while dbconn is well', async () => {
  const beat = create();
  await beat();
  await beat();
  expect(beats).toBe(2);
  expect(lines).toEqual([]);
});

test('it is silent while something is wrong, and says in the log why', async () => {
  const beat = create();
  problems.push('shop: the call to the on-call engineer is not made.');
  await beat();
  expect(beats).toBe(0);
  expect(lines.join(' ')).toContain('the call to the on-call engineer');
  problems.pop();
  await beat();
  expect(beats).toBe(1);
});

test('what is not taken is in the log, without the secret in its path', async () => {
  const beat = create();
  respond = (response) => response.writeHead(404).end();
  await beat();
  respond = (response) => response.destroy();
  await beat();
  expect(lines).toHaveLength(2);
  expect(lines.join(' ')).toContain('404');
  expect(lines.join(' ')).not.toContain('secret-uuid');
});

test('a redirect is not followed', async () => {
  respond = (response) => response.writeHead(302, { location: url }).end();
  await create()();
  expect(beats).toBe(1);
  expect(lines.join(' ')).toContain('302');
});

test('a beat does not wait for the one before', async () => {
  const beat = create();
  let answer: ServerResponse | undefined;
  respond = (response) => {
    answer = response;
  };
  const first = beat();
  await until('the first beat comes', () => Promise.resolve(answer !== undefined));
  await beat();
  expect(beats).toBe(1);
  answer?.end();
  await first;
});
