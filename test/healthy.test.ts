import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../bin/healthy.mjs', import.meta.url));

let server: Server | undefined;
afterEach(() => server?.close());

/** Answers every question about health so, and gives its port. */
async function answering(status: number, body: string): Promise<number> {
  server = createServer(({ url }, response) => {
    response.writeHead(url === '/healthz' ? status : 404).end(body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** What the image's HEALTHCHECK says, and how it ends. */
function check(address: string): Promise<{ status: number; said: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script, address], (_error, stdout, stderr) => {
      resolve({ status: child.exitCode ?? -1, said: `${stdout}${stderr}`.trim() });
    });
  });
}

test('the image is healthy while dbconn says that it works, and tells what it said', async () => {
  const port = await answering(200, '{"state":"ok","problems":[]}');
  const healthy = { status: 0, said: '{"state":"ok","problems":[]}' };
  expect(await check(`${port}`)).toEqual(healthy);
  expect(await check(`0.0.0.0:${port}`)).toEqual(healthy);
});

test('the image is not healthy when dbconn says that it does not work', async () => {
  const port = await answering(503, 'The watch stands still for 90 s.');
  expect(await check(`127.0.0.1:${port}`)).toEqual({
    status: 1,
    said: 'The watch stands still for 90 s.',
  });
});

test('the image is not healthy when nobody answers, or nobody can be asked', async () => {
  const port = await answering(200, '');
  server?.close();
  await once(server ?? process, 'close');
  expect(await check(`${port}`)).toMatchObject({ status: 1 });
  expect(await check('')).toEqual({
    status: 1,
    said: 'DBCONN_HTTP_PORT is not set, so nobody can ask dbconn how it is.',
  });
});
