import type Docker from 'dockerode';

/** What a shell command in a running container prints, both streams, as the container's own user. */
export async function runInside(container: Docker.Container, command: string): Promise<string> {
  const exec = await container.exec({ Cmd: ['sh', '-c', command], AttachStdout: true, Tty: true });
  const stream = await exec.start({ hijack: true, stdin: false, Tty: true });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) {
    if (Buffer.isBuffer(chunk)) chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8').trim();
}
