import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createApp } from '../../src/app.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { keepWhileAsked } from '../../src/terminal/commands/mcp-command.ts';
import { systemClock } from '../../src/timing.ts';
import { childEnvironment } from '../support/child-environment.ts';
import { useServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { cli } from './mcp-client.ts';

/** The process as its client has it: pipes, lines and an end. */
const server = useServer();
let folder = '';
const started: ChildProcessWithoutNullStreams[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dbconn-mcp-'));
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
});
afterAll(() => rm(folder, { recursive: true }));

interface Process {
  readonly child: ChildProcessWithoutNullStreams;
  /** The lines of standard output so far, as they are. */
  lines(): readonly string[];
  stderr(): string;
  ask(id: number, method: string, params: Record<string, unknown>): void;
  /** Its exit status, or the signal that ended it. */
  readonly ended: Promise<unknown>;
}

const hello = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '1' },
};

function start(words: readonly string[] = [], env: Record<string, string> = {}): Process {
  const child = spawn(process.execPath, [cli, 'mcp', ...words], {
    cwd: folder,
    env: { ...childEnvironment, DATABASE_URL: server.cluster.url(), ...env },
  });
  started.push(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  return {
    child,
    lines: () => out.split('\n').filter((line) => line !== ''),
    stderr: () => err,
    ask: (id, method, params) =>
      void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`),
    ended: once(child, 'close').then(([code, signal]: unknown[]) => code ?? signal),
  };
}

const Message = z.object({ jsonrpc: z.literal('2.0'), id: z.number() });

function answers(process: Process): readonly number[] {
  return process.lines().map((line) => Message.parse(JSON.parse(line)).id);
}

async function greet(process: Process): Promise<void> {
  process.ask(1, 'initialize', hello);
  await until('it answers', async () => answers(process).includes(1));
}

function check(process: Process, id: number): void {
  process.ask(id, 'tools/call', { name: 'status', arguments: {} });
}

test('standard output carries the protocol alone, whatever comes in', async () => {
  const process = start();
  await greet(process);
  process.child.stdin.write('this is no JSON\n{"jsonrpc":"2.0","id":\n[]\n\n');
  check(process, 2);
  process.ask(3, 'tools/call', { name: 'kill', arguments: { pid: 1 } });
  await until('both are answered', async () => answers(process).length === 3);
  expect(new Set(answers(process))).toEqual(new Set([1, 2, 3]));
  process.child.stdin.end();
  expect(await process.ended).toBe(0);
});

test('a message without an end is not collected for ever', async () => {
  const process = start();
  await greet(process);
  process.child.stdin.on('error', () => undefined); // it closes before all is written
  process.child.stdin.write('x'.repeat(1024 * 1024));
  expect(await process.ended).toBe(0);
  expect(answers(process)).toEqual([1]);
});

test.for(['the end of its input', 'SIGTERM', 'SIGINT'] as const)(
  'it ends by %s, also while a frozen server is checked',
  async (how) => {
    const process = start();
    await greet(process);
    check(process, 2);
    await until('the first check is answered', async () => answers(process).includes(2));
    await server.cluster.freeze();
    try {
      check(process, 3);
      if (how === 'the end of its input') process.child.stdin.end();
      else process.child.kill(how);
      expect(await process.ended).toBe(0);
    } finally {
      await server.cluster.thaw();
    }
    expect(answers(process)).not.toContain(3);
  },
);

test('calls beyond a bound are told to wait, and the others are answered', async () => {
  const process = start();
  await greet(process);
  await server.cluster.freeze();
  try {
    for (let id = 2; id < 22; id += 1) check(process, id);
    await until('all are answered', async () => answers(process).length === 21);
  } finally {
    await server.cluster.thaw();
  }
  const refused = process.lines().filter((line) => line.includes('calls are not answered yet'));
  expect(refused).toHaveLength(4);
  const frozen = process.lines().filter((line) => line.includes('\\"kind\\":\\"frozen\\"'));
  expect(frozen).toHaveLength(16);
});

test('a client that is idle holds no connection, and is answered when it asks again', async () => {
  const config = readConfig({ DATABASE_URL: server.cluster.url() });
  let opened = 0;
  const kept = keepWhileAsked(1, () => {
    opened += 1;
    return createApp(config, { clock: systemClock, warn: () => undefined, readsOnly: true });
  });
  const diagnose = (): Promise<Diagnosis> =>
    kept.use(async (app) => (await app.targets()).monitor.diagnose('default'));
  const held = async (): Promise<boolean> => {
    const counted = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'dbconn'";
    return (await server.sessions.ask(counted)).length > 0;
  };
  const together = await Promise.all([diagnose(), diagnose()]);
  expect(together.map(({ state }) => state)).toEqual(['fine', 'fine']);
  expect(opened).toBe(1);
  await until('its connection is gone', async () => !(await held()));
  expect((await diagnose()).state).toBe('fine');
  expect(opened).toBe(2);
  await kept.close();
  await until('this one is gone too', async () => !(await held()));
});

test('what it cannot start with is a sentence on standard error', async () => {
  const without = start([], { DATABASE_URL: '' });
  expect(await without.ended).toBe(3);
  expect(without.stderr()).toBe('Write a dbconn.yml, or set DATABASE_URL to check one database.\n');
  const withTarget = start(['orders']);
  expect(await withTarget.ended).toBe(3);
  expect(withTarget.stderr()).toContain('mcp takes no more words');
  expect([...without.lines(), ...withTarget.lines()]).toEqual([]);
});

test('its help says how it is started', async () => {
  const process = start(['--help']);
  expect(await process.ended).toBe(0);
  expect(process.lines().join('\n')).toContain('dbconn mcp [--config FILE]');
});
