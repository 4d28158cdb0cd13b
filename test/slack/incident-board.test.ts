import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { aDiagnosis } from './support/diagnoses.ts';
import { aView, openBoardWorld, textOf } from './support/incident-board.ts';
import type { BoardWorld } from './support/incident-board.ts';
import { withhold } from './support/withhold.ts';
import { ana, database, readManifest } from './support/workspace.ts';
import { patienceMs } from '../support/until.ts';

let world: BoardWorld | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function open(options?: Parameters<typeof openBoardWorld>[0]): Promise<BoardWorld> {
  world = await openBoardWorld(options);
  return world;
}

/** Further looks at the same incident, each a version later. */
function later({ incident }: BoardWorld, version: number, used = 94): ReturnType<typeof aView> {
  const headline = `${used} of 97 usable connections.`;
  return aView({ incident: { ...incident, version }, diagnosis: aDiagnosis({ headline }) });
}

test('an incident is one message, edited as it changes, and its thread hears every note in order', async () => {
  const it = await open();
  const board = it.board();
  board.show(later(it, 1));
  await board.idle(patienceMs);
  await it.note('The likely cause is another one.');
  await it.note(null);
  await it.note('Option A was proposed.', { quote: 'it fills' });
  board.show(later(it, 2, 40));
  await board.idle(patienceMs);
  expect(it.parents()).toHaveLength(1);
  expect(textOf(it.parents())).toContain('40 of 97');
  const thread = textOf(it.replies());
  const order = ['An alert fired.', 'another one', 'Option A was proposed.', 'it fills'];
  expect(order.map((words) => thread.indexOf(words)).toSorted((a, b) => a - b)).toEqual(
    order.map((words) => thread.indexOf(words)),
  );
  expect(thread.match(/An alert fired/g)).toHaveLength(1);
});

test('where Slack has no folds yet the evidence is shown unfolded, and folds are tried once', async () => {
  const giveBack = withhold('container');
  try {
    const it = await open();
    const board = it.board();
    for (const version of [1, 2, 3]) {
      board.show(later(it, version, 40 + version));
      await board.idle(patienceMs);
    }
    const [message] = it.parents();
    const types = message?.blocks?.map(({ type }) => type) ?? [];
    expect(types).toContain('table');
    expect(types).not.toContain('container');
    expect(types).toContain('data_visualization');
    expect(it.lines.filter((line) => line.includes('unsupported type: container')).length).toBe(1);
  } finally {
    giveBack();
  }
});

test('each edit of a message has block ids of its own, because clients keep what was chosen under one', async () => {
  const it = await open();
  const board = it.board();
  const ids: unknown[] = [];
  for (const version of [1, 2, 3]) {
    board.show(later(it, version, 40 + version));
    await board.idle(patienceMs);
    const [message] = it.parents();
    ids.push(message?.blocks?.find(({ type }) => type === 'actions')?.['block_id']);
  }
  expect(new Set(ids).size).toBe(3);
  expect(ids.every((id) => String(id).startsWith('dbconn_incident'))).toBe(true);
});

test('of a storm of 200 changes a bounded number are written, and the last one stands, though Slack limits it', async () => {
  const it = await open({ slack: { rateLimits: true } });
  const urgentMs = 300;
  const board = it.board({ urgentMs, figuresMs: 2000 });
  const begunAt = performance.now();
  it.slack.interfere('chat.update', { kind: 'ratelimited', retryAfterSeconds: 1 }, 2);
  it.slack.interfere('chat.postMessage', { kind: 'ratelimited', retryAfterSeconds: 1 }, 1);
  const seen = new Set<string>();
  const last = it.slack.waitFor(() => {
    for (const { text } of it.parents()) seen.add(text);
    return textOf(it.parents()).includes('200 of 97') ? true : undefined;
  }, patienceMs * 4);
  for (let version = 1; version <= 200; version += 1) {
    if (version % 10 === 0) await it.note(`Change ${version}.`);
    board.show(later(it, version, version));
    // About two seconds for what a bad minute brings.
    await setTimeout(10);
  }
  await last;
  await board.idle(patienceMs * 4);
  expect(it.parents()).toHaveLength(1);
  expect(textOf(it.parents())).toContain('200 of 97');
  // One writing for each pace there was, however slow this machine is, and a first and a last one.
  const most = (performance.now() - begunAt) / urgentMs + 2;
  expect(seen.size).toBeGreaterThan(1);
  expect(seen.size).toBeLessThan(Math.min(most, 100));
  const told = [...textOf(it.replies()).matchAll(/Change (\d+)\./g)].map(([, n]) => Number(n));
  expect(told).toEqual(Array.from({ length: 20 }, (_, index) => (index + 1) * 10));
  expect(it.replies().length).toBeLessThan(Math.min(most, 20));
});

test('a process that is started anew goes on with the message and the thread that are there', async () => {
  const it = await open();
  const first = it.board();
  first.show(later(it, 1));
  await first.idle(patienceMs);
  await it.note('It goes on.');
  const second = it.board();
  second.show(later(it, 2, 50));
  await second.idle(patienceMs);
  expect(it.parents()).toHaveLength(1);
  expect(textOf(it.parents())).toContain('50 of 97');
  expect(textOf(it.replies()).match(/An alert fired/g)).toHaveLength(1);
  expect(textOf(it.replies()).match(/It goes on/g)).toHaveLength(1);
});

test.for([0, 1, 2, 3])(
  'killed before record number %i, the next process finds in Slack what was said and says it once',
  async (records) => {
    const it = await open();
    await killedAfter(it, records, async (board) => {
      board.show(later(it, 1));
      await board.idle(patienceMs);
      await it.note('It goes on.');
      board.show(later(it, 2));
      await board.idle(patienceMs);
    });
    const next = it.board();
    next.show(later(it, 3, 60));
    await next.idle(patienceMs);
    expect([it.parents().length, it.replies().length]).toEqual([1, 2]);
    expect(textOf(it.replies()).match(/An alert fired|It goes on/g)).toEqual([
      'An alert fired',
      'It goes on',
    ]);
    expect(textOf(it.parents())).toContain('60 of 97');
  },
);

/** A board whose journal takes so many records of what was told, and no more. */
async function killedAfter(
  world: BoardWorld,
  records: number,
  live: (board: ReturnType<BoardWorld['board']>) => Promise<void>,
): Promise<void> {
  const { journal } = world;
  const record = journal.record.bind(journal);
  let left = records;
  journal.record = (entry) => {
    const isMark = entry.kind === 'incident-told';
    if (isMark && left <= 0) return Promise.reject(new Error('killed'));
    if (isMark) left -= 1;
    return record(entry);
  };
  await live(world.board());
  journal.record = record;
}

test('two processes that take turns repeat nothing and write the same message', async () => {
  const it = await open();
  const boards = [it.board(), it.board()];
  for (let turn = 1; turn <= 6; turn += 1) {
    await it.note(`Turn ${turn}.`);
    const board = boards[turn % 2];
    // As whoever loses the lease does.
    boards[(turn + 1) % 2]?.doubt();
    board?.show(later(it, turn, turn));
    await board?.idle(patienceMs);
    expect(textOf(it.parents())).toContain(`${turn} of 97`);
  }
  expect(it.parents()).toHaveLength(1);
  const told = [...textOf(it.replies()).matchAll(/Turn (\d)/g)].map(([, n]) => Number(n));
  expect(told).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a post whose answer was lost on the way is not posted again', async () => {
  const it = await open();
  it.slack.interfere('chat.postMessage', { kind: 'answer-lost' }, 1);
  const board = it.board();
  board.show(later(it, 1));
  await it.slack.waitFor(() => (it.replies().length > 0 ? true : undefined), patienceMs);
  await board.idle(patienceMs);
  expect([it.parents().length, it.replies().length]).toEqual([1, 1]);
});

test('without the scope to read, a new process goes on from the journal alone and logs that once', async () => {
  const scopes = ['chat:write', 'commands'];
  const it = await open({ slack: { manifest: readManifest(scopes) } });
  const first = it.board();
  first.show(later(it, 1));
  await first.idle(patienceMs);
  const second = it.board();
  await it.note('More.');
  second.show(later(it, 2, 70));
  await second.idle(patienceMs);
  expect(it.parents()).toHaveLength(1);
  expect(textOf(it.replies()).match(/An alert fired|More/g)).toEqual(['An alert fired', 'More']);
  const logged = it.lines.filter((line) => line.includes('may repeat itself'));
  expect(logged).toHaveLength(2);
});

test('a message somebody deleted is posted anew, says so, and its buttons live', async () => {
  const it = await open();
  const board = it.board();
  board.show(later(it, 1));
  await board.idle(patienceMs);
  const [old] = it.parents();
  await it.slack.deleteMessage({ user: ana, channel: database, ts: old?.ts ?? '' });
  await it.note('After it was deleted.');
  board.show(later(it, 2, 80));
  await board.idle(patienceMs);
  const [anew, ...others] = it.parents().filter(({ text }) => text.includes('80 of 97'));
  expect(others).toEqual([]);
  expect(anew?.ts).not.toBe(old?.ts);
  const shown = textOf(anew === undefined ? [] : [anew]);
  expect(shown).toContain('Posted again: the previous message was deleted');
  expect(shown).toContain('[ Acknowledge ]');
  expect(await board.placeOf(it.incident.id)).toEqual({ channel: database, ts: anew?.ts });
  const told = it.replies().filter((reply) => reply.thread_ts === anew?.ts);
  expect(textOf(told)).toContain('After it was deleted.');
});

test('one that was deleted is posted anew once, though the answer to that was lost on the way', async () => {
  const it = await open();
  const board = it.board();
  board.show(later(it, 1));
  await board.idle(patienceMs);
  await it.slack.deleteMessage({ user: ana, channel: database, ts: it.parents()[0]?.ts ?? '' });
  await it.note('After it was deleted.');
  it.slack.interfere('chat.postMessage', { kind: 'answer-lost' }, 1);
  board.show(later(it, 2, 80));
  await it.slack.waitFor(
    () => (textOf(it.replies()).includes('After it was deleted.') ? true : undefined),
    patienceMs,
  );
  await board.idle(patienceMs);
  expect(it.parents().filter(({ text }) => text.includes('80 of 97'))).toHaveLength(1);
  expect(textOf(it.replies()).match(/After it was deleted/g)).toHaveLength(1);
});

test('one that was deleted is posted anew once, though the process died before it could record that', async () => {
  const it = await open();
  await killedAfter(it, 2, async (board) => {
    board.show(later(it, 1));
    await board.idle(patienceMs);
    const [old] = it.parents();
    await it.slack.deleteMessage({ user: ana, channel: database, ts: old?.ts ?? '' });
    board.show(later(it, 2, 80));
    await board.idle(patienceMs);
  });
  const next = it.board();
  next.show(later(it, 3, 81));
  await next.idle(patienceMs);
  const standing = it.parents().filter(({ text }) => /8[01] of 97/.test(text));
  expect(standing.map(({ text }) => text.includes('81 of 97'))).toEqual([true]);
});

test('a second open incident has a message of its own', async () => {
  const it = await open();
  const board = it.board();
  board.show(later(it, 1));
  board.show(aView({ incident: { ...it.incident, id: 'inc-other123', target: 'users' } }));
  await board.idle(patienceMs);
  expect(it.parents()).toHaveLength(2);
});

test('many notes go into the thread in order, at most fifteen in a reply', async () => {
  const it = await open();
  for (let n = 1; n <= 40; n += 1) await it.note(`Note ${n}.`);
  const board = it.board();
  board.show(later(it, 1));
  await board.idle(patienceMs);
  const told = [...textOf(it.replies()).matchAll(/Note (\d+)\./g)].map(([, n]) => Number(n));
  expect(told).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  expect(it.replies()).toHaveLength(3);
});

test('a question is asked once for its key, by whichever process', async () => {
  const it = await open();
  const board = it.board();
  board.show(later(it, 1));
  await board.idle(patienceMs);
  const question = { key: 'ask:1', sentence: `<@${ana}>, is it still yours?` };
  await board.ask(it.incident, question);
  await it.board().ask(it.incident, question);
  expect(textOf(it.replies()).match(/is it still yours/g)).toHaveLength(1);
});

test('when Slack is unreachable nothing is lost: it is told once Slack is back', async () => {
  const it = await open();
  it.slack.interfere('chat.postMessage', { kind: 'unreachable', status: 503 }, 6);
  const board = it.board();
  board.show(later(it, 1));
  await it.slack.waitFor(() => (it.replies().length > 0 ? true : undefined), patienceMs);
  expect([it.parents().length, it.replies().length]).toEqual([1, 1]);
});
