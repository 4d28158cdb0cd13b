import { withApp } from '../support/with-app.ts';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { beforeEach, expect, test } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../src/config/config.ts';
import { runJournalCommand } from '../../src/terminal/commands/journal-command.ts';
import type { CommandResult } from '../../src/terminal/output.ts';
import { genesis, sha256 } from '../../src/journal/chain.ts';
import { ann, bob, buildPlan, buildSession } from '../runbook/approvals/builders.ts';
import { useWorld } from '../runbook/approvals/world.ts';
import { recordAnswer } from '../record/recorded.ts';

/** What the journal's words say in a terminal, over a journal that real approvals wrote. */
const world = useWorld();
let file: string;
beforeEach(() => {
  ({ file } = world);
});

const environment = { DATABASE_URL: 'postgres://app:canary-password@127.0.0.1:1/shop' };

interface Heads {
  readonly head?: string;
  readonly heads?: string;
}

async function run(
  words: readonly string[],
  format = 'md',
  heads: Heads = {},
): Promise<CommandResult> {
  const config = { ...readConfig(environment), journal: file };
  const said = await withApp(config, (app) => runJournalCommand(app, { words, format, ...heads }));
  recordAnswer(words.join(' '), { code: said.code, lines: said.text.split('\n') });
  return said;
}

/** A proposal that is approved by Bob and comes to its end, and one that is denied with hostile words. */
async function live(): Promise<{ done: string; denied: string }> {
  const approvals = await world.approvals();
  const session = { ...buildSession(101), query: 'SELECT `x` | ?' };
  const application = '``| <b> [x](javascript:1)';
  const hostile = { ...session, identity: { ...session.identity, application } };
  world.remedy.plan = buildPlan({ targets: [hostile, buildSession(102)] });
  const propose = async (): Promise<string> => {
    const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
    const proposed = await approvals.propose({ target: 'shop', ask, actor: ann });
    if (!proposed.ok) throw new Error(proposed.refusal.why);
    return proposed.value.id;
  };
  const [done, denied] = [await propose(), await propose()];
  await approvals.approve(done, bob, 'go');
  await approvals.settled(done);
  await approvals.deny(denied, bob, 'no `|` <!channel> **please**');
  world.breakJournals();
  return { done, denied };
}

test('an export tells of each request who did what when, and what came of it', async () => {
  const { done, denied } = await live();
  const { text, code } = await run(['export']);
  expect(code).toBe(0);
  expect(text).toContain('The journal is as it was written');
  expect(text).toContain(`## ${done}: `);
  expect(text).toContain(`## ${denied}: `);
  const told = [
    '| UANN (slack) | Proposed: End 2 sessions',
    '| UBOB (slack) | Approved, with the last vote needed. `go`',
    '| dbconn | Intends to end them.',
    '| dbconn | Did it: ended them.',
    '| dbconn | Ended: 2 ended.',
    '| dbconn | Checked 10 s later: 35 of 97 slots used.',
    '| dbconn | Outcome fixed: 95 of 97 used before, 35 right after, 35 after 60 s.',
  ].map((line) => text.indexOf(line));
  expect(told.every((at) => at > 0)).toBe(true);
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(text).toContain('State: done');
  expect(text).toContain('Outcome: **fixed**');
});

test('an export of one request holds that one alone', async () => {
  const { done, denied } = await live();
  const { text } = await run(['export', denied]);
  expect(text).toContain(denied);
  expect(text).not.toContain(done);
  expect(text).toContain('State: denied');
});

test('text of others is neither markup nor a cell of its own', async () => {
  const { denied } = await live();
  const { text } = await run(['export', denied]);
  expect(text).toContain('application ``` ``| <b> [x](javascript:1) ```');
  // In a table a bar ends a cell even within code, unless it is escaped.
  expect(text).toContain('`` no `\\|` <!channel> **please** ``');
});

test('a JSON export is enough to recompute the whole chain', async () => {
  await live();
  const { text } = await run(['export'], 'json');
  const Exported = z.object({
    verification: z.object({ ok: z.literal(true), head: z.string() }),
    requests: z.array(z.object({ state: z.string() })),
    entries: z.array(
      z.object({
        seq: z.number(),
        at: z.string(),
        request: z.string().nullable(),
        kind: z.string(),
        body: z.unknown(),
        previous: z.string(),
        hash: z.string(),
      }),
    ),
  });
  const { verification, requests, entries } = Exported.parse(JSON.parse(text));
  expect(requests.map(({ state }) => state)).toEqual(['done', 'denied']);
  let previous = genesis;
  for (const { seq, at, request, kind, body, ...entry } of entries) {
    const list = [seq, at, request, kind, JSON.stringify(body), previous];
    expect(entry).toEqual({ previous, hash: sha256(JSON.stringify(list)) });
    previous = entry.hash;
  }
  expect(previous).toBe(verification.head);
});

test('a changed byte is found by verify, and told on top of an export', async () => {
  await live();
  const bytes = readFileSync(file, 'latin1');
  expect(bytes).toContain('ended them');
  writeFileSync(file, bytes.replaceAll('ended them', 'ended thee'), 'latin1');
  expect(await run(['verify'])).toMatchObject({ code: 2 });
  const { text, code } = await run(['export']);
  expect(code).toBe(2);
  expect(text).toContain('**The journal is not as it was written.**');
  expect(JSON.parse((await run(['export'], 'json')).text)).toMatchObject({
    verification: { ok: false },
  });
});

test('verify holds the journal against the heads that Slack’s threads kept, and finds one that was emptied', async () => {
  const approvals = await world.approvals();
  const propose = async (): Promise<void> => {
    const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
    expect(await approvals.propose({ target: 'shop', ask, actor: ann })).toMatchObject({
      ok: true,
    });
  };
  const journal = await world.journal();
  await propose();
  const first = await journal.head();
  await propose();
  const last = await journal.head();
  const threads = `${file}.heads`;
  const plan = sha256('a plan, not a head');
  const line = `10:04 *dbconn* APP  Done. Plan ${plan}. `;
  writeFileSync(
    threads,
    [first, last].map(({ seq, hash }) => `${line}(journal entry ${seq}, ${hash})\n\n`).join(''),
  );
  const verify = (heads: Heads): Promise<CommandResult> => run(['verify'], 'md', heads);
  const { hash } = first;
  expect(await verify({ head: hash.toUpperCase() })).toMatchObject({ code: 0 });
  const { text, code } = await verify({ heads: threads });
  expect(code).toBe(0);
  expect(text).toContain('It holds 2 heads kept elsewhere.');
  expect(await verify({ head: plan })).toMatchObject({ code: 2 });
  expect(await verify({ head: 'abc' })).toMatchObject({ code: 3 });
  expect(await verify({ heads: `${file}.none` })).toMatchObject({ code: 3 });
  writeFileSync(`${file}.empty`, 'nothing of the kind');
  expect(await verify({ heads: `${file}.empty` })).toMatchObject({ code: 3 });
  world.breakJournals();
  for (const name of ['', '-wal', '-shm']) rmSync(`${file}${name}`, { force: true });
  await (await world.journal()).close();
  expect(await verify({})).toMatchObject({ code: 0 });
  expect(await verify({ head: last.hash })).toMatchObject({ code: 2 });
  expect(await verify({ heads: threads })).toEqual({
    code: 2,
    text: `The journal is not as it was written. The head that was kept elsewhere is not in it: ${first.hash}.`,
  });
});

test('what cannot be answered is refused with what can be typed', async () => {
  expect(await run(['verify'])).toEqual({
    text: `There is no journal at ${file} (from the default of DBCONN_JOURNAL).`,
    code: 3,
  });
  await world.approvals();
  expect(await run(['export', 'nobody'])).toMatchObject({ code: 3 });
  expect(await run(['export'], 'pdf')).toMatchObject({ code: 3, text: 'A format is md or json.' });
  expect(await run(['burn'])).toMatchObject({ code: 3 });
  expect(await run(['verify'])).toMatchObject({ code: 0 });
});
