import { execFile, spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Cluster } from '../../sandbox/patient/cluster.ts';
import { startCluster } from '../support/clusters.ts';
import { until } from '../support/until.ts';

/** `dbconn …` on a terminal of its own, which `script` of util-linux makes. */
const run = promisify(execFile);
const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
const hasScript = spawnSync('script', ['--version']).status === 0;

let cluster: Cluster;
let folder = '';
const started: ChildProcess[] = [];
beforeAll(async () => {
  cluster = await startCluster();
  folder = await mkdtemp(join(tmpdir(), 'dbconn-terminal-'));
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGHUP');
});
afterAll(async () => {
  await cluster.close();
  await rm(folder, { recursive: true });
});

function environment(): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: cluster.url('postgres', 'postgres', 'hunter2'),
    TERM: 'xterm',
    SHELL: '/bin/sh',
    NO_COLOR: '1',
  };
}

interface Terminal {
  readonly child: ChildProcess;
  seen(): string;
  press(keys: string): void;
  ended(): Promise<number>;
}

/** Once dbconn has ended, the shell on that terminal says how, and what the terminal is set to. */
function onTerminal(words: string, columns = 90): Terminal {
  const typed = `stty cols ${columns} rows 24; '${process.execPath}' '${cli}' ${words}; echo "exit $?"; stty -a`;
  const child = spawn('script', ['-qfec', typed, '/dev/null'], {
    cwd: folder,
    env: environment(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  started.push(child);
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  const closed = once(child, 'close');
  return {
    child,
    seen: () => text,
    press: (keys) => child.stdin.write(keys),
    ended: async () => {
      await closed;
      return Number(/exit (\d+)/.exec(text)?.[1]);
    },
  };
}

function seen(terminal: Terminal, text: string): () => Promise<boolean> {
  return async () => terminal.seen().includes(text);
}

const enter = '\u001B[?1049h';
const leave = '\u001B[?1049l';

/** The other screen is left, the cursor is back, and what is typed shows again. */
function expectRestored(text: string): void {
  expect(text.lastIndexOf(leave)).toBeGreaterThan(text.lastIndexOf(enter));
  expect(text.lastIndexOf('\u001B[?25h')).toBeGreaterThan(text.lastIndexOf('\u001B[?25l'));
  expect(text).toMatch(/ echo /);
  expect(text).toMatch(/ icanon /);
}

async function watching(words = 'status --watch'): Promise<Terminal> {
  const terminal = onTerminal(words);
  await until('the first check', seen(terminal, 'usable connections'));
  return terminal;
}

test.runIf(hasScript)(
  '--watch takes a screen of its own, answers keys and gives the terminal back',
  async () => {
    const terminal = await watching();
    terminal.press('3');
    await until('the sessions', seen(terminal, '[sessions]'));
    terminal.press('q');
    expect(await terminal.ended()).toBe(0);
    expectRestored(terminal.seen());
  },
);

test.runIf(hasScript)('Ctrl-C ends it with the last check’s exit status', async () => {
  const terminal = await watching();
  terminal.press('\u0003');
  expect(await terminal.ended()).toBe(0);
  expectRestored(terminal.seen());
});

test.runIf(hasScript)(
  'SIGTERM ends it as it ends any process, with the terminal given back',
  async () => {
    const terminal = await watching();
    const { stdout } = await run('pgrep', ['-f', `${cli} status --watch`]);
    for (const pid of stdout.split('\n').filter(Boolean)) {
      const { stdout: name } = await run('ps', ['-o', 'comm=', '-p', pid]);
      if (!/^(?:sh|script)/.test(name)) process.kill(Number(pid), 'SIGTERM');
    }
    expect(await terminal.ended()).toBe(143);
    expectRestored(terminal.seen());
  },
);

test.runIf(hasScript)(
  'an answer is as wide as the terminal and names the database, never its password',
  async () => {
    const terminal = onTerminal('status', 64);
    await terminal.ended();
    const [answer = ''] = terminal.seen().split('exit ');
    expect(answer.replaceAll(/\s+/g, ' ')).toContain(`postgres on 127.0.0.1:${cluster.port}`);
    expect(answer).not.toContain('hunter2');
    expect(Math.max(...answer.split(/[\r\n]+/).map((line) => line.length))).toBeLessThanOrEqual(64);
  },
);

test('a pipe gets answer after answer from --watch, and no control character', async () => {
  const child = spawn(process.execPath, [cli, 'status', '--watch'], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let text = '';
  child.stdout.on('data', (data: Buffer) => (text += data.toString()));
  await until('two answers', async () => text.split('usable connections').length > 2);
  child.kill('SIGINT');
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
});

test.for([
  [['statsu'], 'Unknown word statsu. Did you mean status? See dbconn help.'],
  [['status', '--wach'], 'Unknown option --wach. Did you mean --watch?'],
  [['status', '--nonsense'], 'Unknown option --nonsense. See dbconn help.'],
  [['status', '--json=yes'], '--json takes no value.'],
  [['deny', 'r1', '--reason'], '--reason needs a value after it.'],
  [['propose', 'E'], 'Name the service: propose E SERVICE. See dbconn help propose.'],
  [['help', 'xyzzy'], 'Unknown word. See dbconn help.'],
] as const)('%j is answered in one line on standard error', async ([words, line]) => {
  const failed = await run(process.execPath, [cli, ...words], {
    cwd: folder,
    env: environment(),
  }).catch((error: unknown) => error);
  expect(failed).toMatchObject({ code: 3, stdout: '', stderr: `${line}\n` });
});

test('without a configuration one line says what to do, and --version says which dbconn this is', async () => {
  const env = { PATH: process.env['PATH'] ?? '' };
  const failed = run(process.execPath, [cli, 'status'], { cwd: folder, env });
  await expect(failed).rejects.toMatchObject({
    code: 3,
    stderr: 'Write a dbconn.yml, or set DATABASE_URL to check one database.\n',
  });
  const { stdout } = await run(process.execPath, [cli, '--version'], { cwd: folder, env });
  expect(stdout).toMatch(/^dbconn \d+\.\d+\.\d+\n$/);
});

test('config check names every problem of a file, or how many targets it has, and asks no database', async () => {
  const env = { PATH: process.env['PATH'] ?? '' };
  const check = async (text: string): Promise<string> => {
    await writeFile(join(folder, 'checked.yml'), text);
    const words = [cli, 'config', 'check', 'checked.yml'];
    return (await run(process.execPath, words, { cwd: folder, env })).stdout;
  };
  const url = 'postgres://dbconn@nowhere.invalid/orders';
  expect(await check(`targets: [{ name: orders, database: { url: '${url}' } }]\n`)).toBe(
    'checked.yml is valid: 1 target.\n',
  );
  const compose = '{ project: shop, docker: { context: nowhere } }';
  const engine = check(
    `targets: [{ name: orders, database: { url: '${url}' }, compose: ${compose} }]\n`,
  );
  await expect(engine).rejects.toThrow(/orders: The docker command has no context nowhere/);
  const refused = check('targets: []\nincident: {}\n');
  await expect(refused).rejects.toThrow(/targets: names no target/);
  await expect(refused).rejects.toThrow(/incident/);
});
