import { withApp } from '../support/with-app.ts';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { runBundleCommand } from '../../src/terminal/commands/bundle-command.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';
import { runJournalCommand } from '../../src/terminal/commands/journal-command.ts';
import { callForHelp, runRecordCommand } from '../../src/terminal/commands/record-command.ts';
import { readPolicyOfToday, runReplayCommand } from '../../src/terminal/commands/replay-command.ts';
import { parseCommand } from '../../src/runbook/commands/parse-command.ts';
import type { CommandResult } from '../../src/terminal/output.ts';
import { recordAnswer } from '../record/recorded.ts';
import { plain } from '../terminal/plain.ts';

type ReplayCommand = Parameters<typeof runReplayCommand>[0];

/** What the terminal says of incidents, over a journal it writes itself; no database and no Slack is reached. */
const actor = { id: 'jonas', via: 'terminal' } as const;
const drill = fileURLToPath(new URL('../fixtures/bundles/connection-leak.json', import.meta.url));
const yml = `
targets:
  - name: orders
    database: { url: "postgres://app:canary-password@127.0.0.1:1/x" }
  - name: billing
    database: { url: "postgres://app:canary-password@127.0.0.1:1/y" }
approval:
  A: { approve: [U0BOB], votes: 1 }
  D: { approve: [U0BOB] }
`;

let directory: string;
let config: Config;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'dbconn-records-'));
  const file = join(directory, 'dbconn.yml');
  await writeFile(file, yml);
  config = { ...readConfig({}, file), journal: join(directory, 'journal.sqlite') };
});
afterEach(() => rm(directory, { recursive: true }));

async function say(text: string, json = false): Promise<CommandResult> {
  const command = parseCommand(text, ['orders', 'billing']);
  if (command.kind !== 'incident' && command.kind !== 'record') throw new Error(command.kind);
  const said = await withApp(config, (app) =>
    runRecordCommand({ app, actor, json, paint: plain }, command),
  );
  expect(said.text).not.toContain('canary-password');
  recordAnswer(json ? `${text} --json` : text, toLines(said));
  return said;
}

function toLines({ code, text }: CommandResult): { code: number; lines: string[] } {
  return { code, lines: text.split('\n') };
}

async function openOne(): Promise<string> {
  const { text } = await say('incident open orders the shop is slow');
  return /inc-\w+/.exec(text)?.[0] ?? '';
}

/** toMatchObject takes any text for any pattern. */
function refused({ text, code }: CommandResult, why: RegExp): void {
  expect(text).toMatch(why);
  expect(code).toBe(3);
}

async function bundle(id?: string, out?: string): Promise<CommandResult> {
  const asked = { id, out, actor, at: '2026-11-23T03:00:00.000Z' };
  const said = await withApp(config, (app) => runBundleCommand(app, asked));
  // The bundle itself is no sentence.
  if (!said.text.startsWith('{')) recordAnswer('bundle', toLines(said));
  return said;
}

async function replay(change: Partial<ReplayCommand>): Promise<CommandResult> {
  const nothing = { file: undefined, head: undefined, json: false, policy: undefined };
  const said = await runReplayCommand({ ...nothing, paint: plain, ...change });
  recordAnswer('replay', toLines(said));
  return said;
}

test('without a journal there is nothing to tell, and none is made', async () => {
  for (const words of ['incidents', 'history', 'report orders']) {
    refused(await say(words), /^There is no journal at/);
  }
  expect(await bundle('inc-0abc1234')).toMatchObject({ code: 3 });
  await expect(stat(config.journal)).rejects.toThrow('ENOENT');
});

test('an incident that somebody opens is listed, kept and reported', async () => {
  const id = await openOne();
  expect(id).not.toBe('');
  expect((await say('incidents')).text).toContain(id);
  expect((await say('history')).text).toContain(id);
  expect((await say('history billing')).text).toBe('There was no incident.');
  const { text, code } = await say(`report ${id}`);
  expect(text).toMatch(/^# orders /);
  expect(text).toContain('`the shop is slow`');
  expect(code).toBe(0);
  expect((await say('report orders')).text).toBe(text);
});

test('a second incident of a target joins the first', async () => {
  expect(await openOne()).toBe(await openOne());
  const incidents = z.array(z.looseObject({ target: z.string(), state: z.string() }));
  const listed = incidents.parse(JSON.parse((await say('incidents', true)).text));
  expect(listed).toMatchObject([{ target: 'orders', state: 'open' }]);
});

test('what needs somebody’s name goes in Slack', async () => {
  const id = await openOne();
  for (const words of [`have ${id}`, `close ${id} done`, `silence ${id} 1h quiet`]) {
    const said = await say(`incident ${words}`);
    expect(said.code).toBe(3);
    expect(said.text).toContain('Slack');
  }
  const [incident] = z
    .array(z.looseObject({ version: z.number() }))
    .parse(JSON.parse((await say('incidents', true)).text));
  expect(incident?.version).toBe(1);
});

test('a call for help is written down while there is an open incident, and otherwise left to people', async () => {
  const command = parseCommand('escalate on-call it fills again orders', ['orders']);
  if (command.kind !== 'escalate') throw new Error(command.kind);
  const call = (): ReturnType<typeof callForHelp> =>
    withApp(config, (app) => callForHelp({ app, actor }, command));
  expect(await call()).toBeUndefined();
  const id = await openOne();
  const called = await call();
  expect(called?.text).toContain(id);
  expect(called?.code).toBe(0);
  const listed = z.array(z.looseObject({ escalations: z.array(z.looseObject({})) }));
  expect(listed.parse(JSON.parse((await say('incidents', true)).text))).toMatchObject([
    { escalations: [{ who: 'on-call', by: actor }] },
  ]);
});

test('the record of one incident is exported alone', async () => {
  const id = await openOne();
  const asked = { words: ['export', id], format: 'md' };
  const { text, code } = await withApp(config, (app) => runJournalCommand(app, asked));
  expect(code).toBe(0);
  expect(text).toContain(`## ${id}`);
  expect(text).toContain('`the shop is slow`');
});

test('a bundle is sealed into a new file of one’s own, and its head into the journal', async () => {
  const id = await openOne();
  const out = join(directory, 'night.json');
  const { text, code } = await bundle(id, out);
  expect(code).toBe(0);
  const head = /--head ([0-9a-f]{64})$/.exec(text)?.[1];
  expect((await stat(out)).mode & 0o077).toBe(0);
  expect(await readFile(out, 'utf8')).not.toContain('canary-password');
  const asked = { words: ['export', id], format: 'md' };
  expect((await withApp(config, (app) => runJournalCommand(app, asked))).text).toContain(head);
  // No check was kept: it is as it was sealed, and yet it proves nothing.
  refused(await replay({ file: out, head }), /nothing that could be judged, so nothing is proved/);
  refused(await replay({ file: out, head: '0'.repeat(64) }), /not the one that was kept/);
});

test('what is there is not overwritten, and then nothing is sealed', async () => {
  const id = await openOne();
  const out = join(directory, 'taken');
  await writeFile(out, 'mine');
  refused(await bundle(id, out), /there is such a file already/);
  expect(await readFile(out, 'utf8')).toBe('mine');
  const nowhere = await bundle(id, join(directory, 'nowhere', 'x'));
  expect(nowhere.text).toContain('its folder does not exist');
  const asked = { words: ['export', id], format: 'md' };
  const { text } = await withApp(config, (app) => runJournalCommand(app, asked));
  expect(text).not.toContain('sealed');
  expect(await bundle('inc-nothere0', join(directory, 'y'))).toMatchObject({ code: 3 });
  expect(await bundle()).toMatchObject({ code: 3 });
});

test('a replay says the same of a drill under its own rules, and something else under others', async () => {
  const same = await replay({ file: drill });
  expect(same.code).toBe(0);
  expect(same.text).toContain('The same');
  const file = join(directory, 'dbconn.yml');
  const policy = await readPolicyOfToday({}, file);
  const differs = await replay({ file: drill, policy });
  expect(differs.code).toBe(1);
  expect(differs.text).toContain('the vote of UBOB would not count');
  const json = await replay({ file: drill, policy, json: true });
  expect(JSON.parse(json.text)).toMatchObject({ same: false, policy: 'today', target: 'shop' });
});

test('a tampered bundle, none, and no file are refused with what is wrong', async () => {
  const text = await readFile(drill, 'utf8');
  const out = join(directory, 'tampered.json');
  await writeFile(out, text.replace('<@UBOB> approved', '<@UANN> approved'));
  refused(await replay({ file: out }), /refused\. It was changed after it was sealed/);
  refused(await replay({ file: join(directory, 'dbconn.yml') }), /not a dbconn bundle/);
  refused(await replay({ file: directory }), /that is a folder/);
  expect(await replay({ file: join(directory, 'x') })).toMatchObject({ code: 3 });
  expect(await replay({})).toMatchObject({ code: 3 });
});

test('without a dbconn.yml a replay takes the sealed rules; one that was named must be there', async () => {
  expect(await readPolicyOfToday({ DATABASE_URL: 'postgres://app@127.0.0.1:1/x' }, undefined)).toBe(
    undefined,
  );
  expect(await readPolicyOfToday({}, undefined)).toBe(undefined);
  await expect(readPolicyOfToday({}, join(directory, 'missing.yml'))).rejects.toThrow(/no file/);
});
