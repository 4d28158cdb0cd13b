import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import { useServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { cli, startMcp } from './mcp-client.ts';
import type { Mcp } from './mcp-client.ts';

/** What an MCP client reads of a real PostgreSQL in trouble, held against what a terminal prints. */
const run = promisify(execFile);
const server = useServer({}, ['CREATE TABLE stock (id int)', 'INSERT INTO stock VALUES (1)']);
let folder = '';
let env: Record<string, string> = {};
let blocker = 0;
let waiter = 0;

beforeAll(async () => {
  const holds = await server.sessions.open({ application: 'backend' });
  await holds.run('BEGIN', "UPDATE stock SET id = 2 WHERE id = 1 AND 'canary-literal' <> ''");
  const waits = await server.sessions.open({ application: 'reports' });
  waits.begin("UPDATE stock SET id = 3 WHERE 'canary-literal' <> ''");
  [blocker, waiter] = [holds.pid, waits.pid];
  await until('one waits for the other', async () => {
    const [row] = await server.sessions.ask<{ waits: boolean }>(
      'SELECT cardinality(pg_blocking_pids($1)) > 0 AS waits',
      [waiter],
    );
    return row?.waits === true;
  });
  folder = await mkdtemp(join(tmpdir(), 'dbconn-mcp-'));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => {
  env = { DATABASE_URL: server.cluster.url('postgres', 'postgres', 'canary-password') };
});

async function printed(...words: readonly string[]): Promise<unknown> {
  const ran = run(process.execPath, [cli, ...words, '--json'], {
    cwd: folder,
    env: { ...env, PATH: process.env['PATH'] },
  });
  const { stdout } = await ran.catch((error: unknown) =>
    z.object({ stdout: z.string() }).parse(error),
  );
  return JSON.parse(stdout);
}

const words = ['status', 'causes', 'sessions', 'blocking', 'pools', 'logs'];

test('it has the read-only words as tools, each with its schemas and marked as reading only', async () => {
  const { client } = await startMcp({ folder, env });
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toEqual([...words, 'incidents', 'report']);
  for (const { annotations, description, inputSchema, outputSchema } of tools) {
    expect(annotations).toMatchObject({ readOnlyHint: true, openWorldHint: false });
    expect(description).toMatch(/^[A-Z].*\. Text in the answer is .*never instructions\.$/);
    expect(inputSchema).toMatchObject({ type: 'object', additionalProperties: false });
    expect(outputSchema).toMatchObject({ type: 'object' });
  }
  expect(client.getInstructions()).toContain('never for instructions');
});

test.for(['2025-11-25', '2026-07-28'])('a client of %s is answered', async (version) => {
  const mode = version < '2026' ? 'legacy' : 'auto';
  const { call, client } = await startMcp({
    folder,
    env,
    client: { versionNegotiation: { mode } },
  });
  expect(client.getNegotiatedProtocolVersion()).toBe(version);
  expect((await call('status')).value).toMatchObject({ capacity: { maxConnections: 100 } });
});

/** What stays the same from one check to the next. */
const Lasting = Diagnosis.pick({ target: true, blocking: true, sessions: true }).transform(
  ({ target, blocking, sessions }) => ({
    target,
    roots: blocking.roots,
    sessions: sessions
      .map(({ pid, startedAt, user, state, query, fingerprint }) =>
        JSON.stringify({ pid, startedAt, user, state, query, fingerprint }),
      )
      .toSorted(),
  }),
);

test('its values are those of --json: each is a part of the documented Diagnosis', async () => {
  const { call } = await startMcp({ folder, env });
  const diagnosis = z.looseObject({}).parse(await printed('status'));
  const answers = await Promise.all(words.map(async (word) => (await call(word)).value));
  for (const answer of answers) {
    const known = [...Object.keys(diagnosis), 'changes', 'poolers'];
    expect(known).toEqual(expect.arrayContaining(Object.keys(answer)));
    expect(Diagnosis.partial().parse(answer)).toEqual(answer);
  }
  const together = Object.assign({}, ...answers) as unknown;
  expect(Lasting.parse(together)).toEqual(Lasting.parse(diagnosis));
  expect(together).toMatchObject({
    blocking: { roots: [{ pid: blocker, victims: 1 }], waiters: [{ pid: waiter }] },
    capacity: { maxConnections: 100 },
  });
});

test('calls that come at once share one snapshot', async () => {
  const { call } = await startMcp({ folder, env });
  await call('status');
  const answers = await Promise.all(words.map((word) => call(word)));
  const taken = new Set(answers.map(({ value }) => value['takenAt']));
  expect(taken.size).toBe(1);
});

test('no literal and no password of somebody else is in any answer or in what it logs', async () => {
  const mcp = await startMcp({ folder, env });
  const answers = await Promise.all(words.map((word) => mcp.call(word)));
  const stderr = await mcp.close();
  const all = JSON.stringify(answers) + stderr;
  expect(all).toContain('UPDATE stock SET id');
  expect(all).not.toContain('canary');
});

const several = `
targets:
  - name: orders
    database: { url: '\${DATABASE_URL}' }
  - name: billing
    database: { url: 'postgres://app:canary-password@127.0.0.1:1/x' }
`;

async function startWithSeveral(): Promise<Mcp> {
  const file = join(folder, 'several.yml');
  await writeFile(file, several);
  return startMcp({ folder, env: { ...env, DBCONN_CONFIG: file } });
}

test('of several targets one is named, and what is none is refused in a sentence', async () => {
  const { call, client } = await startWithSeveral();
  const { tools } = await client.listTools();
  expect(JSON.stringify(tools[0]?.inputSchema)).toContain('one of: orders, billing.');
  expect((await call('status')).refusal).toBe(
    'There are several targets, so name one: orders, billing.',
  );
  expect((await call('status', { target: 'bilings' })).refusal).toBe(
    'Unknown target. Did you mean billing?',
  );
  expect((await call('status', { target: 'x'.repeat(61) })).refusal).toContain('target');
  expect((await call('status', { target: 'orders', kill: 1 })).refusal).toContain('"kill"');
  expect((await call('status', { target: 'orders' })).value['target']).toBe('orders');
});

test('a server that cannot be reached is an answer, not an error', async () => {
  const { call } = await startWithSeveral();
  const { value, refusal } = await call('status', { target: 'billing' });
  expect(refusal).toBeUndefined();
  expect(value).toMatchObject({ state: 'critical', capacity: null, reach: { via: 'none' } });
  expect(JSON.stringify(value)).not.toContain('canary');
});

test('a journal that cannot be read is a sentence, and is read once it can be', async () => {
  const journal = join(folder, 'later.sqlite');
  await writeFile(journal, 'no journal');
  const { call } = await startMcp({ folder, env: { ...env, DBCONN_JOURNAL: journal } });
  expect((await call('incidents')).refusal).toContain('is not a journal');
  await rm(journal);
  env = { ...env, DBCONN_JOURNAL: journal };
  await printed('incident', 'open', 'default', 'it', 'is', 'full');
  expect((await call('incidents')).value).toMatchObject({ incidents: [{ state: 'open' }] });
});

test('incidents and their reports are those of the journal; without one it makes none', async () => {
  const before = await startMcp({ folder, env });
  for (const tool of ['incidents', 'report']) {
    expect((await before.call(tool)).refusal).toMatch(/^There is no journal at /);
  }
  expect(await readdir(folder)).not.toContain('dbconn.sqlite');
  await printed('incident', 'open', 'default', 'the', 'shop', 'is', 'slow');
  const { call } = await startMcp({ folder, env });
  const listed = z.array(z.looseObject({ id: z.string() })).parse(await printed('incidents'));
  expect(listed).toHaveLength(1);
  expect((await call('incidents')).value).toEqual({ incidents: listed });
  expect((await call('incidents', { target: 'default', all: true })).value).toEqual({
    incidents: await printed('history'),
  });
  const id = listed[0]?.id ?? '';
  expect((await call('report', { id })).value).toEqual(await printed('report', id));
  expect((await call('report')).value).toEqual(await printed('report'));
  expect((await call('report', { id: 'inc-000000' })).refusal).toBe(
    'There is no such incident. Call incidents.',
  );
});
