import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import { onTestFinished } from 'vitest';

/** Serves on a free port until the test ends; returns the address of its /metrics. */
export async function serveMetrics(listener: RequestListener | string): Promise<string> {
  const server = createServer(
    typeof listener === 'string'
      ? (_, response) => response.setHeader('content-type', 'text/plain').end(listener)
      : listener,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => stop(server));
  return `http://127.0.0.1:${portOf(server)}/metrics`;
}

/** An address where nothing listens, as its server has just gone. */
export async function deadAddress(): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const port = portOf(server);
  await stop(server);
  return `http://127.0.0.1:${port}/metrics`;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return address.port;
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
