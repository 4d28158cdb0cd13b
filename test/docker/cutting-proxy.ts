import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A way to the engine that passes everything on, but hangs up on the client when it has asked for this. */
interface CuttingProxy {
  readonly socketPath: string;
  close(): Promise<void>;
}

/** Cuts the client's connection once the request matches and has gone to the engine, which then carries on alone. */
export async function startCuttingProxy(enginePath: string, cutAt: RegExp): Promise<CuttingProxy> {
  const directory = mkdtempSync(join(tmpdir(), 'dbconn-cut-'));
  const socketPath = join(directory, 'docker.sock');
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const engine = connect(enginePath);
    for (const socket of [client, engine]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => socket.destroy());
    }
    engine.pipe(client);
    client.on('data', (chunk) => {
      const cut = cutAt.test(chunk.toString('latin1'));
      engine.write(chunk, () => {
        if (cut) client.destroy();
      });
    });
    client.on('end', () => engine.end());
  });
  await new Promise<void>((resolve) => {
    server.listen(socketPath, resolve);
  });
  return {
    socketPath,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
      rmSync(directory, { recursive: true });
    },
  };
}
