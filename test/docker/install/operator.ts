import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readCommands } from './read-commands.ts';

const run = promisify(execFile);
const limitMs = 300_000;

/** Somebody with a terminal who types what the documents say, and nothing else. */
export class Operator {
  /** What nobody has typed yet. */
  readonly untyped = new Set(readCommands());
  readonly #environment: Readonly<Record<string, string>>;
  #folder: string;

  constructor(folder: string, environment: Readonly<Record<string, string>>) {
    this.#folder = folder;
    this.#environment = environment;
  }

  /**
   * Runs a command of the documents in the folder where the one before left off, with `filledIn` for each `…` of it.
   * Gives what it prints; throws where the documents do not have it, and where it fails.
   */
  async type(command: string, ...filledIn: readonly string[]): Promise<string> {
    // Commands that look leave with what they saw, and that is no failure of theirs.
    const { said, status } = await this.typeAndLook(command, ...filledIn);
    if (status !== 0) throw new Error(`${command} failed with ${status}:\n${said}`);
    return said;
  }

  /** The same for commands whose exit status is their answer. */
  async typeAndLook(
    command: string,
    ...filledIn: readonly string[]
  ): Promise<{ readonly said: string; readonly status: number }> {
    const script = `${this.#take(command, filledIn)} && status=0 || status=$?
      printf '\\n\\0%s\\0%s' "$PWD" "$status"`;
    const options = { cwd: this.#folder, env: this.#env(), timeout: limitMs, maxBuffer: 2 ** 24 };
    const { stdout, stderr } = await run('bash', ['-c', script], options);
    const [said = '', folder = '', status = ''] = stdout.split('\0');
    this.#folder = folder;
    return { said: said + stderr, status: Number(status) };
  }

  /** Starts a command that stays; `process.kill(-pid)` reaches what it started, as Ctrl-C does. */
  start(command: string, ...filledIn: readonly string[]): ChildProcess {
    const script = this.#take(command, filledIn);
    const options = { cwd: this.#folder, env: this.#env(), detached: true };
    return spawn('bash', ['-c', script], { ...options, stdio: ['ignore', 'inherit', 'inherit'] });
  }

  /** Ticks off what is typed in Slack. */
  tick(command: string): string {
    return this.#take(command, []);
  }

  goTo(folder: string): void {
    this.#folder = folder;
  }

  /** Changes a file as with an editor: each of these must be in it. */
  async edit(
    file: string,
    changes: readonly (readonly [from: RegExp, to: string])[],
  ): Promise<void> {
    const path = join(this.#folder, file);
    let text = await readFile(path, 'utf8');
    for (const [from, to] of changes) {
      if (!from.test(text)) throw new Error(`${file} has no ${from.source}.`);
      text = text.replace(from, () => to);
    }
    await writeFile(path, text);
  }

  #take(command: string, filledIn: readonly string[]): string {
    if (!readCommands().has(command)) throw new Error(`No document says: ${command}`);
    this.untyped.delete(command);
    const [first = '', ...rest] = command.split('…');
    return first + rest.map((part, index) => (filledIn[index] ?? '…') + part).join('');
  }

  #env(): NodeJS.ProcessEnv {
    return { ...process.env, ...this.#environment };
  }
}
