import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, hashJson } from '../../../../src/runbook/remedies/plan.ts';
import { BundleLine, openBundle } from '../../../../src/runbook/reports/sealed-export/open.ts';
import { BundleTooLarge, sealBundle } from '../../../../src/runbook/reports/sealed-export/seal.ts';
import type { SealedBundle } from '../../../../src/runbook/reports/sealed-export/seal.ts';
import { buildExamined, buildSealing } from './builders.ts';

const sealed: SealedBundle = await sealBundle(await buildSealing());
const bytes = new TextEncoder().encode(sealed.text);
const lines = sealed.text.trimEnd().split('\n');

function open(text: string, head?: string): ReturnType<typeof openBundle> {
  return openBundle(new TextEncoder().encode(text), head);
}

function toText(these: readonly string[]): string {
  return `${these.join('\n')}\n`;
}

test('what was sealed is opened, in the order of the journal, with the head that proves it', async () => {
  const opened = await open(sealed.text, sealed.head);
  if (!opened.ok) throw new Error(opened.problem);
  const { bundle } = opened;
  expect(bundle.head).toBe(sealed.head);
  expect(bundle.lines.map(({ kind }) => kind)).toEqual([
    'header',
    'request',
    'note',
    'examination',
    'entry',
    'note',
    'entry',
    'entry',
    'note',
    'examination',
    'seal',
  ]);
  expect(bundle.header).toMatchObject({
    dbconn: '0.1.0',
    incident: { id: 'inc-0abc1234', state: 'resolved' },
    journal: { seq: 6 },
    leftOut: { examinations: 0, entries: 0 },
  });
});

test('addresses of dashboards and the people on call stay in the house', () => {
  expect(sealed.text).not.toContain('grafana.internal');
  expect(sealed.text).not.toContain('U0ONCALL');
});

test('a bundle with any one byte changed is refused', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(bytes.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (index, flip) => {
        const changed = bytes.slice();
        changed[index] = (changed[index] ?? 0) ^ flip;
        expect(await openBundle(changed)).toMatchObject({ ok: false });
      },
    ),
    { numRuns: 400 },
  );
});

test('a bundle with a line left out, twice, moved or added is refused with a line’s number', async () => {
  const index = fc.nat(lines.length - 1);
  const edit = fc.oneof(
    index.map((at) => lines.toSpliced(at, 1)),
    fc.tuple(index, index).map(([from, to]) => lines.toSpliced(to, 0, lines[from] ?? '')),
    fc
      .tuple(index, index)
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => lines.with(a, lines[b] ?? '').with(b, lines[a] ?? '')),
    fc.tuple(index, fc.json()).map(([at, text]) => lines.toSpliced(at + 1, 0, text)),
    index.filter((at) => at > 0).map((at) => lines.slice(0, at)),
  );
  await fc.assert(
    fc.asyncProperty(edit, async (edited) => {
      const opened = await open(toText(edited));
      expect(opened.ok ? null : opened.line).toBeGreaterThan(0);
    }),
    { numRuns: 200 },
  );
});

test('a line whose hash was mended gives itself away at the next one', async () => {
  const index = 5;
  const line = BundleLine.parse(JSON.parse(lines[index] ?? ''));
  const before = BundleLine.parse(JSON.parse(lines[index - 1] ?? ''));
  const body = { ...line.body, sentence: 'Somebody else has it.' };
  const hash = await hashJson([line.line, line.kind, body, before.hash]);
  const mended = lines.with(index, canonicalJson({ ...line, body, hash }));
  expect(await open(toText(mended))).toMatchObject({ ok: false, line: index + 2 });
});

test('a file that was written anew as a whole is found by a head kept elsewhere, and by nothing else', async () => {
  const sealing = await buildSealing();
  const notes = sealing.notes.map((note) => ({ ...note, sentence: 'All was well.' }));
  const anew = await sealBundle({ ...sealing, notes });
  expect(await open(anew.text)).toMatchObject({ ok: true });
  expect(await open(anew.text, sealed.head)).toMatchObject({ ok: false, line: null });
  expect(await open(anew.text, anew.head.toUpperCase())).toMatchObject({ ok: true });
});

test.for<[string, (text: string) => string, string]>([
  ['an empty file', () => '', 'This is no bundle'],
  ['something else', () => '{"a":1}\n', 'This is no bundle'],
  ['a byte order mark in front', (text) => `\uFEFF${text}`, 'This is no bundle'],
  [
    'a later format',
    (text) => text.replace('"version":1},"hash"', '"version":2},"hash"'),
    'has format 2',
  ],
  ['no line feed at the end', (text) => text.trimEnd(), 'cut off'],
  ['an empty line at the end', (text) => `${text}\n`, 'after the seal'],
  ['line ends of another system', (text) => text.replaceAll('\n', '\r\n'), 'no bundle'],
  ['the seal cut off', () => toText(lines.slice(0, -1)), 'The seal is missing'],
])('%s is refused with what is wrong', async ([, change, problem]) => {
  const opened = await open(change(sealed.text));
  expect(opened.ok ? '' : opened.problem).toContain(problem);
});

test('bytes that are no text, and more of them than a bundle has, are refused', async () => {
  expect(await openBundle(new Uint8Array([0xff, 0xfe]))).toMatchObject({ ok: false });
  expect(await openBundle(new Uint8Array(10 * 1024 ** 2 + 1))).toMatchObject({ ok: false });
});

test('what does not fit leaves looks out from the middle, and then entries, and says so', async () => {
  const notes = Array.from({ length: 9 }, (_, index) => buildExamined(index + 1, 90, 'cause'));
  const sealing = await buildSealing({ notes });
  const [{ examinations, kinds }, most] = await sizes({ ...sealing, mostBytes: 1024 ** 2 });
  expect(examinations).toBe(6);
  const tight = await sizes({ ...sealing, mostBytes: most - 6000 });
  expect(tight[0].examinations).toBeLessThan(6);
  expect(tight[0].leftOut.examinations).toBe(6 - tight[0].examinations);
  expect(tight[0].kinds.filter((kind) => kind === 'note')).toEqual(
    kinds.filter((kind) => kind === 'note'),
  );
  expect(tight[0].seqs).toContain(1);
  expect(tight[0].seqs).toContain(6);
  await expect(sealBundle({ ...sealing, mostBytes: 66_000 })).rejects.toBeInstanceOf(
    BundleTooLarge,
  );
});

async function sizes(sealing: Parameters<typeof sealBundle>[0]) {
  const { text } = await sealBundle(sealing);
  const opened = await open(text);
  if (!opened.ok) throw new Error(opened.problem);
  const { header, lines: held } = opened.bundle;
  const kept = held.filter(({ kind }) => kind === 'examination');
  return [
    {
      examinations: kept.length,
      seqs: kept.map(({ body }) => body['seq']),
      kinds: held.map(({ kind }) => kind),
      leftOut: header.leftOut,
    },
    text.length + 64 * 1024,
  ] as const;
}
