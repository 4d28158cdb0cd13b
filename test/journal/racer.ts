import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../support/child-environment.ts';

/** A process that approves requests for one person, as fast as it can. */
interface Racer {
  /** Its answers, one line for each request. */
  race(ids: readonly string[]): Promise<string[]>;
}

export async function startRacer(address: string, name: string): Promise<Racer> {
  const script = fileURLToPath(new URL('race-for-request.ts', import.meta.url));
  const child = spawn(process.execPath, [script, address, name], {
    env: childEnvironment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const { stdin } = child;
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  await lines.next();
  return {
    async race(ids) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      stdin.end(ids.join('\n'));
      const answers: string[] = [];
      for (let line = await lines.next(); line.done !== true; line = await lines.next()) {
        answers.push(line.value);
      }
      await ended;
      return answers;
    },
  };
}
