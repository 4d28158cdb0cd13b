import { assert, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { code, text, toMarkdown } from '../../../src/runbook/reports/to-markdown.ts';
import { drawSlots } from '../../../src/runbook/reports/report.ts';
import { writeReport } from '../../../src/runbook/reports/write-report.ts';
import { buildIncident } from '../../journal/build-incident.ts';
import { aTarget } from '../diagnose/builders.ts';
import { at, endedThem } from './night.ts';

const nasty =
  '[free](http://evil.example) <img src=x> # no\n\n# heading | cell `x` @everyone www.evil.example';

async function nastyReport(): Promise<string> {
  const request = await endedThem(1, [1, 2]);
  const votes = request.votes.map((vote) => ({ ...vote, reason: nasty }));
  const incident = buildIncident({
    state: 'resolved',
    assignee: { by: { id: 'UANN', via: 'slack' }, at: at(1) },
    closing: { by: null, at: at(20), sentence: 'It is over.', reason: nasty },
    checklist: [{ item: 'pooler', by: { id: 'UBOB', via: 'slack' }, at: at(30) }],
  });
  const notes = [
    {
      kind: 'incident-silenced',
      sentence: '<@UANN> silenced it.',
      quote: nasty,
      seq: 1,
      at: at(2),
      by: { id: 'UANN', via: 'slack' },
    },
  ] as const;
  const plan = { ...request.plan, subject: nasty };
  return toMarkdown(
    writeReport({ incident, notes, requests: [{ ...request, plan, votes }], target: aTarget() }),
    new Map([['UANN', 'Ann | *boss*']]),
  );
}

test('what people and databases wrote is code: it makes no link, heading, image or column', async () => {
  const markdown = await nastyReport();
  const outside = markdown.replaceAll(/(?<!\\)(`+)(?!`)[^]*?(?<!`)\1(?!`)/g, '');
  expect(markdown).toContain('free');
  expect(outside).not.toMatch(/\]\(|<img|https?:\/\/|www\.|@everyone/);
  const headings = markdown.split('\n').filter((line) => line.startsWith('#'));
  expect(headings.every((line) => !line.includes('heading'))).toBe(true);
});

test('every row of a table has as many columns as its head', async () => {
  const lines = (await nastyReport()).split('\n');
  const columns = (line: string): number => line.split(/(?<!\\)\|/).length;
  const odd = lines.filter((line, index) => {
    const before = lines[index - 1] ?? '';
    return line.startsWith('|') && before.startsWith('|') && columns(line) !== columns(before);
  });
  expect(odd).toEqual([]);
});

test('people are named where they are known, else by their id, and a name is no markup', async () => {
  const markdown = await nastyReport();
  expect(markdown).toContain('@Ann \\| \\*boss\\*');
  expect(markdown).toContain('@UBOB');
  expect(markdown).not.toContain('<@');
});

test('a ticked item bears who and when, the others are open', async () => {
  const markdown = await nastyReport();
  expect(markdown).toContain(
    '- [x] Consider connection pooler (PgBouncer) if needed (@UBOB, 2026-11-23 03:30:00 UTC)',
  );
  expect(markdown.match(/- \[ \]/g)).toHaveLength(4);
});

test('a note of the day after has its date', () => {
  const note = { kind: 'incident-seen', seq: 1, sentence: 'Later.', at: at(24 * 60) } as const;
  const incident = buildIncident();
  const report = writeReport({ incident, notes: [note], requests: [], target: aTarget() });
  expect(toMarkdown(report)).toContain('| 11-24 03:00:00 | Later. |');
});

test('any text at all stays on one line as code, and its fence is longer than any in it', () => {
  assert(
    property(string({ unit: 'grapheme', maxLength: 400 }), (untrusted) => {
      const shown = code(untrusted);
      expect(shown).not.toMatch(/[\n\r]/);
      if (shown === '–') return;
      const [fence = ''] = /^`+/.exec(shown) ?? [];
      const inner = shown.slice(fence.length, -fence.length);
      const runs = inner.match(/`+/g) ?? [];
      expect(runs.every((run) => run.length < fence.length)).toBe(true);
    }),
  );
});

test.for(['a|b', String.raw`a\|b`, String.raw`\\|`, String.raw`\\\|[x](http://x)`])(
  'no backslash before it makes a column of what was written: %s',
  (untrusted) => {
    const guards = [...code(untrusted).matchAll(/(\\*)\|/g)].map(([, slashes = '']) => slashes);
    expect(guards).toHaveLength(1);
    expect(guards.every(({ length }) => length % 2 === 1)).toBe(true);
  },
);

test('any text at all makes no link, image, mention or column as a sentence', () => {
  assert(
    property(string({ unit: 'binary-ascii', maxLength: 200 }), (sentence) => {
      expect(text(sentence)).not.toMatch(/(?<!\\)[<>|`[\]*]|:\/\/|(?<!\\)!\[/);
    }),
  );
});

test('a line is drawn from two figures on, its full height the usable slots', () => {
  expect(drawSlots([{ at: at(0), used: 1, usable: 10 }])).toEqual([]);
  const drawn = drawSlots([
    { at: at(0), used: 0, usable: 10 },
    { at: at(10), used: 10, usable: 10 },
  ]);
  expect(drawn[1]).toBe(`10 ┤${' '.repeat(59)}█`);
  expect(drawn.at(-2)).toMatch(/03:00:00 +03:10:00/);
});

test('who proposed and who approved are named with their ids, for names are not unique', async () => {
  const request = await endedThem(1, [1, 2]);
  const [{ by } = { by: request.proposedBy }] = request.votes;
  const people = [request.proposedBy.id, by.id];
  const incident = buildIncident({ state: 'resolved' });
  const report = writeReport({ incident, notes: [], requests: [request], target: aTarget() });
  const markdown = toMarkdown(report, new Map(people.map((id) => [id, 'Maya'])));
  expect(markdown).toContain(`proposed by @Maya (${request.proposedBy.id}) at`);
  expect(markdown).toContain(`Approved by @Maya (${by.id}) at`);
});
