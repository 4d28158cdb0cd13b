import { globSync, readFileSync, realpathSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createApp } from '../../src/app.ts';
import type { App } from '../../src/app/deps.ts';
import { readConfig } from '../../src/config/config.ts';
import { allWords } from '../../src/runbook/commands/words.ts';
import { terminalGuides } from '../../src/terminal/render/help.ts';
import { systemClock } from '../../src/timing.ts';
import { useServer } from '../support/server.ts';
import { startMcp } from './mcp-client.ts';
import type { Mcp } from './mcp-client.ts';

/** That nothing which proposes, votes or runs can be reached by MCP: by words, by code, in the process, on the server. */
const root = fileURLToPath(new URL('../..', import.meta.url));
const server = useServer(
  {
    settings: {
      log_statement: 'all',
      log_connections: 'on',
      log_line_prefix: '%u|%a|',
      autovacuum: 'off',
    },
  },
  ['CREATE ROLE looking LOGIN IN ROLE pg_monitor', 'CREATE ROLE acting SUPERUSER LOGIN'],
);
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dbconn-mcp-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** All that dbconn could change something with. */
async function configure(): Promise<string> {
  const file = join(folder, 'dbconn.yml');
  const { cluster } = server;
  const target = `
    database:
      url: ${cluster.url('looking')}
      actingUrl: ${cluster.url('acting')}
    compose: { project: stack, postgres: postgres, directory: ${folder} }
    services: [{ name: backend }]
    logs: { loki: { url: 'http://127.0.0.1:1', query: '{container="backend"}' } }
    pgbouncer: { url: 'postgres://stats@127.0.0.1:1/pgbouncer' }
    pools: [{ service: backend, url: 'http://127.0.0.1:1/metrics' }]`;
  const yml = `targets:\n  - name: orders${target}\n  - name: billing${target}\n`;
  await writeFile(file, `${yml}approval: { A: { approve: [U0BOB], votes: 1 } }\n`);
  return file;
}

const tools = [
  'status',
  'causes',
  'sessions',
  'blocking',
  'pools',
  'logs',
  'incidents',
  'report',
] as const;

/** What the other words do is not for a client: they change something, or ask other roles, or show nothing of a target. */
const shared = new Set<string>([...tools, 'pool', 'incident']);

async function start(env: Record<string, string> = {}): Promise<Mcp> {
  const config = { DBCONN_CONFIG: await configure(), DOCKER_HOST: 'tcp://127.0.0.1:1' };
  return startMcp({ folder, env: { ...config, ...env } });
}

async function callAll({ call }: Mcp): Promise<void> {
  for (const tool of tools) {
    const isOfRecord = tool === 'incidents' || tool === 'report';
    const { refusal } = await call(tool, isOfRecord ? {} : { target: 'orders' });
    expect(refusal ?? '').toMatch(isOfRecord ? /^There is no/ : /^$/);
  }
}

test('every other word that dbconn knows is no tool', async () => {
  const { client } = await start();
  const offered = (await client.listTools()).tools.map(({ name }) => name);
  expect(offered).toEqual(tools);
  const others = [...new Set([...allWords, ...Object.keys(terminalGuides)])].filter(
    (word) => !shared.has(word),
  );
  expect(others).toEqual(expect.arrayContaining(['propose', 'kill', 'approve', 'stop', 'go']));
  for (const word of [...others, 'sql', 'query', 'vote', 'run', 'silence', 'open']) {
    await expect(client.callTool({ name: word, arguments: {} })).rejects.toThrow('not found');
  }
});

/** The parts that `dbconn mcp` takes of an app. */
const taken = ['config', 'deps', 'targets', 'journal', 'close'];

describe('an app that only reads', () => {
  async function open(): Promise<App> {
    const config = readConfig({ DOCKER_HOST: 'tcp://127.0.0.1:1' }, await configure());
    return createApp(config, { clock: systemClock, warn: () => undefined, readsOnly: true });
  }

  test('refuses every part that is not for reading', async () => {
    const app = await open();
    const parts = Object.entries(app).filter(([name]) => !taken.includes(name));
    expect(parts.map(([name]) => name)).toEqual(expect.arrayContaining(['approvals', 'bot']));
    for (const [, part] of parts) {
      const make = z.custom<() => Promise<unknown>>((value) => typeof value === 'function');
      await expect(make.parse(part)()).rejects.toThrow('This dbconn only reads.');
    }
    await app.close();
  });

  test('reaches its targets by what reads, and by nothing that acts', async () => {
    const app = await open();
    const { targetAdapters } = await app.targets();
    const reading = ['database', 'neighbourhood', 'poolers', 'pools', 'services', 'target'];
    for (const adapters of targetAdapters) {
      expect(Object.keys(adapters).toSorted()).toEqual(reading);
    }
    await app.close();
  });
});

const Declaration = z.looseObject({
  source: z.object({ value: z.string() }).nullish(),
  importKind: z.string().optional(),
  exportKind: z.string().optional(),
});

/** What a module loads, at once or late: imports of types are none. */
function importsOf(code: string): readonly string[] {
  const { body } = parseAst(code, { lang: 'ts' });
  const declared = z.array(Declaration).parse(body);
  const loaded = declared.filter(
    ({ importKind, exportKind }) => importKind !== 'type' && exportKind !== 'type',
  );
  const late = [...code.matchAll(/\bimport\(\s*'([^']+)'/g)].map(([, path = '']) => path);
  return [...loaded.flatMap(({ source }) => source?.value ?? []), ...late];
}

/** Every file of dbconn that some lead to, over however many others. */
function reach(files: readonly string[]): readonly string[] {
  const seen = new Set(files);
  for (const file of seen) {
    for (const path of importsOf(readFileSync(join(root, file), 'utf8'))) {
      if (path.startsWith('.')) seen.add(relative(root, join(root, dirname(file), path)));
    }
  }
  return [...seen];
}

/** Where somebody proposes, votes, runs, or acts as a role that may. */
const acts =
  /^src\/(?:runbook\/(?:approvals|remedies|escalation|loop)\/|postgres\/|docker\/|journal\/|pagers\/|slack\/|app)/;
/** The shapes of what is kept of a request, which an incident's report shows; they hold no way to make one. */
const shapes = [
  'src/runbook/approvals/request.ts',
  'src/runbook/approvals/verify/outcome.ts',
  'src/runbook/approvals/verify/witnesses.ts',
  'src/runbook/remedies/by-hand/hand-off.ts',
  'src/runbook/remedies/plan.ts',
  'src/runbook/remedies/remedy-request.ts',
  'src/runbook/remedies/remedy.ts',
];

test('the code of the MCP server leads to nothing that acts', () => {
  const own = globSync('src/mcp/*.ts', { cwd: root });
  expect(own.length).toBeGreaterThan(1);
  const reached = reach(own);
  expect(reached).toContain('src/runbook/diagnose/diagnosis.ts');
  expect(reached.filter((file) => acts.test(file)).toSorted()).toEqual(shapes);
  // The walk sees what is loaded late too.
  expect(reach(['src/app.ts'])).toContain('src/postgres/privileged/signal-sessions.ts');
});

/** Whatever a process loaded of these could be called. */
const mayAct =
  /^src\/(?:postgres\/(?:privileged\/|try-logins)|docker\/(?:restart|recreate|server-host)|slack\/|pagers\/|app\/(?:approvals|changing|target-remedies|incident|bot)|runbook\/(?:approvals\/(?:approvals|propose|vote|execute|runner|run-control|by-hand|emergency-stop)|escalation\/|loop\/(?!target-monitor)|incidents\/(?:incidents|decisions|open|find-and-merge|take-alert|observe\.|record-request)|remedies\/[^/]+\/(?:run|terminate|end-sessions|restart|raise|boot|recover|rollback|stop|resize|recreate)))/;
const Coverage = z.object({ result: z.array(z.object({ url: z.string() })) });

test('the process that served every tool loaded nothing that acts', async () => {
  const coverage = join(folder, 'coverage');
  const mcp = await start({ NODE_V8_COVERAGE: coverage });
  await callAll(mcp);
  await mcp.close();
  const [name = ''] = await readdir(coverage);
  const { result } = Coverage.parse(JSON.parse(await readFile(join(coverage, name), 'utf8')));
  const base = new URL('../../', import.meta.url).href;
  const loaded = result
    .filter(({ url }) => url.startsWith(base))
    .map(({ url }) => url.slice(base.length));
  const expected = ['src/mcp/server.ts', 'src/docker/services.ts', 'src/loki/query-loki.ts'];
  expect(loaded).toEqual(expect.arrayContaining(expected));
  expect(loaded.filter((file) => mayAct.test(file))).toEqual([]);
  // The pattern knows what it looks for.
  const all = globSync('src/**/*.ts', { cwd: realpathSync(root) });
  expect(all.filter((file) => mayAct.test(file)).length).toBeGreaterThan(100);
});

/** What each session of a role sent, as the server logged it. */
function statementsOf(log: string, role: string): readonly string[] {
  const entries = log.split(/\n(?=[^|\n\t]*\|[^|\n]*\|)/);
  return entries.flatMap((entry) => {
    const [, text] =
      new RegExp(`^${role}\\|[^|]*\\|LOG: {2}(?:statement|execute [^:]*): ([^]*)`).exec(entry) ??
      [];
    return text === undefined ? [] : [text];
  });
}

/** The next transaction to be numbered: only one that writes is. */
async function nextTransaction(): Promise<string> {
  const asked = 'SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next';
  const [row] = await server.sessions.ask<{ next: string }>(asked);
  return row?.next ?? '';
}

test('the server is only asked in transactions that read, by the looking role alone', async () => {
  const mcp = await start();
  const before = await nextTransaction();
  await callAll(mcp);
  await mcp.close();
  expect(await nextTransaction()).toBe(before);
  const log = await server.cluster.log();
  const sent = statementsOf(log, 'looking');
  expect(sent.length).toBeGreaterThan(6);
  for (const statement of sent) {
    expect(statement).toMatch(/^(?:SHOW \w+|BEGIN READ ONLY;[^]*)$/);
    // A transaction that reads may still call these.
    expect(statement).not.toMatch(
      /pg_(?:terminate|cancel)_backend|pg_reload_conf|set_config|\bALTER\b/,
    );
    expect(statement.match(/\b(?:COMMIT|ROLLBACK)\b/g) ?? []).toHaveLength(
      statement.startsWith('SHOW') ? 0 : 1,
    );
  }
  expect(log).toContain('user=looking');
  expect(log).not.toContain('user=acting');
});
