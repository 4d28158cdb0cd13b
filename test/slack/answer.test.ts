import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { RespondError } from '@slack/bolt';
import { WebClient } from '@slack/web-api';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createAnswer } from '../../src/slack/handlers/answer.ts';
import type { Answer, Asker } from '../../src/slack/handlers/answer.ts';
import { statusMessage } from '../../src/slack/messages/status.ts';
import { aDiagnosis, aTarget } from './support/diagnoses.ts';
import { aLog, botToken } from './support/workspace.ts';

/** What Slack's servers say that the local Slack does not: one function per test, behind real clients. */
interface Wire {
  readonly path: string;
  readonly body: string;
}
interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

let server: Server;
let base = '';
let reply: (wire: Wire) => Reply;
let asked: Wire[];
let answer: Answer;

const status = statusMessage({ diagnosis: aDiagnosis(), target: aTarget() });

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const wire = { path: request.url ?? '', body: Buffer.concat(chunks).toString('utf8') };
      asked.push(wire);
      const { status: code = 200, headers = {}, body } = reply(wire);
      response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(body);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const client = new WebClient(botToken, {
    slackApiUrl: `${base}/api/`,
    retryConfig: { retries: 0 },
    rejectRateLimitedCalls: true,
  });
  answer = createAnswer(client, aLog().log);
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
});

/** As Bolt's own respond: the response, or a RespondError. */
function anAsker(url = `${base}/respond`): Asker {
  return {
    channel: 'C0DATABASE',
    user: 'U0ANA00000',
    async respond(message) {
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(message) });
      if (!response.ok) throw new RespondError('refused', response.status);
      return response;
    },
  };
}

const paths = (): string[] => asked.map(({ path }) => path);

test('an answer that the response URL takes costs one request and states its audience', async () => {
  reply = () => ({ body: 'ok' });
  await answer(anAsker(), 'caller', status);
  await answer(anAsker(), 'everyone', status);
  expect(paths()).toEqual(['/respond', '/respond']);
  const types = asked.map(({ body }): unknown => JSON.parse(body));
  expect(types).toMatchObject([{ response_type: 'ephemeral' }, { response_type: 'in_channel' }]);
});

test('an error inside a 200 is an error', async () => {
  reply = ({ body }) =>
    body.includes('data_visualization')
      ? { body: '{"ok": false, "error": "invalid_blocks"}' }
      : { body: '{"ok":true}' };
  await answer(anAsker(), 'caller', status);
  expect(paths()).toEqual(['/respond', '/respond']);
  expect(asked[1]?.body).toContain('"table"');
  await answer(anAsker(), 'caller', status);
  expect(asked).toHaveLength(3);
});

test('a response URL nobody can reach is replaced by the Web API, without previews of links', async () => {
  reply = () => ({ body: '{"ok":true,"ts":"1.2"}' });
  await answer(anAsker('http://127.0.0.1:1/gone'), 'everyone', status);
  expect(paths()).toEqual(['/api/chat.postMessage']);
  const sent = new URLSearchParams(asked[0]?.body);
  expect([sent.get('unfurl_links'), sent.get('unfurl_media')]).toEqual(['false', 'false']);
  await answer(anAsker('http://127.0.0.1:1/gone'), 'caller', status);
  expect(paths().at(-1)).toBe('/api/chat.postEphemeral');
});

test('a rate limit is not waited out while somebody waits', async () => {
  reply = ({ path }) =>
    path === '/respond'
      ? { status: 404, body: 'used_url' }
      : { status: 429, headers: { 'retry-after': '30' }, body: '{"ok":false}' };
  const before = performance.now();
  await expect(answer(anAsker(), 'caller', status)).rejects.toThrow(/HTTP 404.*RateLimited/);
  expect(performance.now() - before).toBeLessThan(15_000);
  expect(paths()).toEqual(['/respond', '/api/chat.postEphemeral']);
});

test('an answer that no way takes says every reason, and never tries without end', async () => {
  reply = ({ path }) =>
    path === '/respond'
      ? { status: 400, body: 'invalid_payload' }
      : { body: '{"ok":false,"error":"channel_not_found"}' };
  const words = /HTTP 400.*channel_not_found/;
  await expect(answer(anAsker(), 'caller', status)).rejects.toThrow(words);
  expect(asked.length).toBeLessThanOrEqual(5);
});
