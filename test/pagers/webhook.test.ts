import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createPagers, openPager } from '../../src/pagers/pagers.ts';
import { PagerRefused } from '../../src/runbook/escalation/ports.ts';
import type { Pager } from '../../src/runbook/escalation/ports.ts';
import { aPage, createWire } from './wire.ts';
import type { HandWire } from './wire.ts';

const secret = 'a-shared-secret-of-the-pager';

interface Call {
  readonly signature: string;
  readonly body: string;
}

let server: Server;
let calls: Call[];
let statuses: number[];
let wire: HandWire;
let url: string;
beforeEach(async () => {
  wire = createWire();
  wire.clock.nowMs = Date.now();
  [calls, statuses] = [[], []];
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const signature = String(request.headers['x-dbconn-signature']);
      calls.push({ signature, body: Buffer.concat(chunks).toString('utf8') });
      response.writeHead(statuses.shift() ?? 204).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('No port was given.');
  url = `http://127.0.0.1:${address.port}/hook/with-a-secret-path`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

function open(): Pager {
  const pager = openPager({ webhook: { url, secret } }, wire);
  if (pager === undefined) throw new Error('There is no pager.');
  return pager;
}

/** The code that docs/pager-webhook.md gives to whoever receives it. */
async function documentedCheck(): Promise<(call: Call, secret: string) => boolean> {
  const text = readFileSync(new URL('../../docs/pager-webhook.md', import.meta.url), 'utf8');
  const code = /```js\n(?<code>.*?)```/s.exec(text)?.groups?.['code'] ?? '';
  const module: unknown = await import(`data:text/javascript,${encodeURIComponent(code)}`);
  const Check = z.object({
    isFromDbconn: z.function({
      input: [z.string(), z.string(), z.string()],
      output: z.boolean(),
    }),
  });
  const { isFromDbconn } = Check.parse(module);
  return ({ signature, body }, key) => isFromDbconn(signature, body, key);
}

test('a call is signed so that the documented code knows it, and nobody else’s', async () => {
  await open().page(aPage());
  const isFromDbconn = await documentedCheck();
  const [call] = calls;
  if (call === undefined) throw new Error('Nothing came.');
  expect(isFromDbconn(call, secret)).toBe(true);
  expect(isFromDbconn(call, 'another-secret-altogether')).toBe(false);
  expect(isFromDbconn({ ...call, body: `${call.body} ` }, secret)).toBe(false);
  const old = call.signature.replace(/t=\d+/, 't=1000');
  expect(isFromDbconn({ ...call, signature: old }, secret)).toBe(false);
});

test('it holds the page as it is, and says which kind it is', async () => {
  const pager = open();
  await pager.page(aPage());
  await pager.tellChange({ target: 'shop', summary: 'Done.', at: '2026-11-23T03:16:00.000Z' });
  const bodies = calls.map(({ body }): unknown => JSON.parse(body));
  expect(bodies).toEqual([
    { version: 1, kind: 'page', ...aPage() },
    {
      version: 1,
      kind: 'change',
      target: 'shop',
      summary: 'Done.',
      at: '2026-11-23T03:16:00.000Z',
    },
  ]);
});

test('each attempt is signed with its own time', async () => {
  statuses = [503];
  await open().page(aPage());
  const [first, second] = calls.map(({ signature }) => signature);
  expect(first).not.toBe(second);
});

test('a refusal names the host, and neither path nor secret', async () => {
  statuses = [401];
  const refused = await open()
    .page(aPage())
    .catch((error: unknown) => error);
  expect(refused).toMatchObject({ mayPass: false });
  const told = `${String(refused)} ${wire.lines.join(' ')}`;
  expect(told).toContain('127.0.0.1');
  expect(told).not.toContain('with-a-secret-path');
  expect(told).not.toContain(secret);
});

test('with several pagers it is taken when one took it, and the other is in the log', async () => {
  const broken = aPager('the other', new PagerRefused('the other is away.', true));
  const errors: unknown[] = [];
  const both = createPagers([broken, open()], { error: (fields: unknown) => errors.push(fields) });
  expect(both.name).toContain('the other and the webhook at 127.0.0.1');
  await both.page(aPage());
  expect(calls).toHaveLength(1);
  expect(errors).toHaveLength(1);
});

test.for([
  [false, false, false],
  [false, true, true],
] as const)(
  'when every pager refuses (%s, %s) it may pass later: %s',
  async ([one, other, mayPass]) => {
    const pagers = [one, other].map((may) => aPager('p', new PagerRefused('No.', may)));
    const refused = await createPagers(pagers, wire.log)
      .page(aPage())
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(PagerRefused);
    expect(refused).toMatchObject({ mayPass, message: 'No. No.' });
  },
);

test('without a setting there is no pager', () => {
  expect(openPager({}, wire)).toBeUndefined();
});

function aPager(name: string, error: Error): Pager {
  return { name, page: () => Promise.reject(error), tellChange: () => Promise.reject(error) };
}

test('whether it answers is asked of its host alone: no path, no body and no signature is sent', async () => {
  expect(await open().findSilent?.()).toEqual([]);
  expect(calls).toEqual([{ signature: 'undefined', body: '' }]);
  const [nowhere] = [url.replace(/:\d+\//, ':1/')];
  const pagers = createPagers(
    [open(), openPager({ webhook: { url: nowhere, secret } }, wire)].filter(
      (one) => one !== undefined,
    ),
    wire.log,
  );
  expect(await pagers.findSilent?.()).toEqual(['the webhook at 127.0.0.1:1']);
});
