import { expect, test } from 'vitest';
import { normalise } from './normalise.ts';
import { createTranscript } from './transcript.ts';

/** What a recording forgets, and what it never may. */

const list = (...lines: readonly string[]): unknown => ({
  blocks: [{ type: 'rich_text_list', elements: lines }],
});

test('an id is the same one wherever it stands, and its number tells it from others', () => {
  const said = { a: 'inc-0abc1234 and inc-0abc9999', b: ['inc-0abc9999'] };
  expect(normalise(said, false)).toEqual({
    a: '<incident 1> and <incident 2>',
    b: ['<incident 2>'],
  });
});

test('figures stay where they are made by hand, and go where a real server has them', () => {
  const said = { text: '94 of 97 usable connections', pid: 4242 };
  expect(normalise(said, false)).toEqual(said);
  expect(normalise(said, true)).toEqual({
    text: '<figure> of <figure> usable connections<full>',
    pid: '<figure>',
  });
});

test('the order of a list is told, but for what a real server happens to list first', () => {
  expect(normalise(list('b', 'a', 'a'), false)).toEqual(list('b', 'a', 'a'));
  expect(normalise(list('b 1', 'a 2', 'a 3'), true)).toEqual(list('a <figure>', 'b <figure>'));
});

test('a word, an id of a button and the order of blocks are never forgotten', () => {
  const said = {
    text: 'Proposed',
    blocks: [{ type: 'divider' }, { type: 'actions', action_id: 'dbconn_approve' }],
  };
  expect(normalise(said, true)).toEqual(said);
});

function post(
  ts: string,
  content: object,
  thread?: string,
): Parameters<ReturnType<typeof createTranscript>['hear']>[0] {
  const args = { ...content, channel: 'C1', ...(thread !== undefined && { thread_ts: thread }) };
  return { what: 'chat.postMessage', args, answer: { channel: 'C1', ts } };
}

function news(...lines: readonly string[]): object {
  const sections = lines.map((text) => ({
    type: 'rich_text_section',
    elements: [{ type: 'text', text }],
  }));
  const shown = lines.length === 1 ? sections : [{ type: 'rich_text_list', elements: sections }];
  const text = `News of option A for shop: ${lines.length} ${lines.length === 1 ? 'step' : 'steps'}`;
  return { text, blocks: JSON.stringify([{ type: 'rich_text', elements: shown }]) };
}

test('a message is told as it came and as it stood in the end, with its thread', () => {
  const transcript = createTranscript();
  transcript.hear(post('1.1', { text: 'Proposed' }));
  transcript.hear(post('1.2', { text: 'I begin' }, '1.1'));
  for (const text of ['Running', 'Fixed']) {
    const args = { channel: 'C1', ts: '1.1', text };
    transcript.hear({ what: 'chat.update', args, answer: { channel: 'C1', ts: '1.1' } });
  }
  expect(transcript.toJson()['channels']).toEqual({
    C1: [
      {
        posted: { text: 'Proposed' },
        stands: { text: 'Fixed' },
        thread: [{ posted: { text: 'I begin' } }],
      },
    ],
  });
});

test('news are the same lines, in however many messages they came', () => {
  const told = [[news('one', 'two', 'three')], [news('one'), news('two', 'three')]].map((all) => {
    const transcript = createTranscript();
    transcript.hear(post('1.1', { text: 'Proposed' }));
    for (const [index, one] of all.entries()) transcript.hear(post(`2.${index}`, one, '1.1'));
    return transcript.toJson();
  });
  expect(told[0]).toEqual(told[1]);
  expect(JSON.stringify(told[0])).toContain('three');
});
