import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson, hashJson } from '../../../../src/runbook/remedies/plan.ts';
import {
  BundleTooLarge,
  CheckNote,
  openBundle,
  sealBundle,
} from '../../../../src/runbook/reports/sealed-export/bundle.ts';
import type { Bundle } from '../../../../src/runbook/reports/sealed-export/bundle.ts';
import { buildExamined, buildSealing, buildStep } from './builders.ts';

const sealed = await sealBundle(await buildSealing());
const bytes = new TextEncoder().encode(sealed.text);

function open(text: string, head?: string): ReturnType<typeof openBundle> {
  return openBundle(new TextEncoder().encode(text), head);
}

async function mustOpen(text: string, head?: string): Promise<Bundle> {
  const opened = await open(text, head);
  if (!opened.ok) throw new Error(opened.problem);
  return opened.bundle;
}

function hasCheck({ body }: Bundle['entries'][number]): boolean {
  return CheckNote.safeParse(body).success;
}

test('what was sealed is opened, in the order of the journal, with the head that proves it', async () => {
  const bundle = await mustOpen(sealed.text, sealed.head);
  expect(bundle.sha256).toBe(sealed.head);
  expect(bundle.entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(bundle.entries.filter(hasCheck).map(({ seq }) => seq)).toEqual([1, 6]);
  expect(bundle).toMatchObject({
    dbconn: '0.1.0',
    incidents: [{ id: 'inc-0abc1234', state: 'resolved' }],
    requests: [{ state: 'done' }],
    verification: { ok: true },
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

test('a bundle with an entry left out, twice, moved or added is refused', async () => {
  const { entries, ...rest } = await mustOpen(sealed.text);
  const index = fc.nat(entries.length - 1);
  const edit = fc.oneof(
    index.map((at) => entries.toSpliced(at, 1)),
    index.map((at) => entries.toSpliced(at, 0, buildStep(9))),
    fc.tuple(index, index).map(([from, to]) => entries.toSpliced(to, 0, ...entries.slice(from))),
    fc
      .tuple(index, index)
      .filter(([a, b]) => a !== b)
      .map(([a, b]) => swap(entries, a, b)),
  );
  await fc.assert(
    fc.asyncProperty(edit, async (edited) => {
      const text = `${canonicalJson({ ...rest, entries: edited })}\n`;
      expect(await open(text)).toEqual({ ok: false, problem: changed });
    }),
    { numRuns: 200 },
  );
});

const changed = 'It was changed after it was sealed.';

function swap<T>(list: readonly T[], a: number, b: number): T[] {
  return list.map((one, index) => list[index === a ? b : index === b ? a : index] ?? one);
}

test('a changed file with a new hash is found by a head kept elsewhere, and by nothing else', async () => {
  const { sha256: _, ...rest } = await mustOpen(sealed.text);
  const again = { ...rest, entries: rest.entries.toSpliced(2, 1) };
  const sha256 = await hashJson(again);
  const text = `${canonicalJson({ ...again, sha256 })}\n`;
  expect(await open(text)).toMatchObject({ ok: true });
  expect(await open(text, sealed.head)).toMatchObject({ ok: false });
  expect(await open(text, sha256.toUpperCase())).toMatchObject({ ok: true });
});

test.for<[string, (text: string) => string, string]>([
  ['an empty file', () => '', 'not a dbconn bundle'],
  ['something else', () => '{"a":1}\n', 'not a dbconn bundle'],
  ['a byte order mark in front', (text) => `\uFEFF${text}`, 'not a dbconn bundle'],
  ['half of it', (text) => text.slice(0, text.length / 2), 'it is incomplete'],
  ['a later format', (text) => text.replace('"version":1}', '"version":2}'), 'has format 2'],
  ['no line feed at the end', (text) => text.trimEnd(), changed],
  ['an empty line at the end', (text) => `${text}\n`, changed],
  ['line ends of another system', (text) => text.replaceAll('\n', '\r\n'), changed],
  ['other spaces', (text) => JSON.stringify(JSON.parse(text), null, 2), changed],
  ['the hash cut out', (text) => text.replace(/"sha256":"\w+",(?="target")/, ''), changed],
])('%s is refused with what is wrong', async ([, change, problem]) => {
  const text = change(sealed.text);
  expect(text).not.toBe(sealed.text);
  const opened = await open(text);
  expect(opened.ok ? '' : opened.problem).toContain(problem);
});

test('what dbconn never writes is refused, however well it is sealed', async () => {
  const odd = { format: 'dbconn bundle', version: 1, incidents: [] };
  const text = `${canonicalJson({ ...odd, sha256: await hashJson(odd) })}\n`;
  expect(await open(text)).toEqual({ ok: false, problem: 'It is not as dbconn writes it.' });
});

test('bytes that are no text, and more of them than a bundle has, are refused', async () => {
  expect(await openBundle(new Uint8Array([0xff, 0xfe]))).toMatchObject({ ok: false });
  expect(await openBundle(new Uint8Array(10 * 1024 ** 2 + 1))).toMatchObject({ ok: false });
});

test('what does not fit leaves checks out from the middle, and then entries, and says so', async () => {
  const checks = [1, 2, 3, 7, 8, 9].map((seq) => buildExamined(seq, 90, 'cause'));
  const entries = [...checks.slice(0, 3), ...[4, 5, 6].map(buildStep), ...checks.slice(3)];
  const sealing = await buildSealing({ entries });
  const whole = await fit({ ...sealing, mostBytes: 1024 ** 2 });
  expect(whole).toMatchObject({ checks: [1, 2, 3, 7, 8, 9], leftOut: { examinations: 0 } });

  const tight = await fit({ ...sealing, mostBytes: whole.bytes - 1000 });
  expect(tight.bytes).toBeLessThanOrEqual(whole.bytes - 1000);
  expect(tight.checks.length).toBeLessThan(6);
  expect(tight.leftOut).toEqual({ examinations: 6 - tight.checks.length, entries: 0 });
  expect(tight.checks).toContain(1);
  expect(tight.checks).toContain(9);
  // Its note stays: only the evidence goes.
  expect(tight.seqs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);

  await expect(sealBundle({ ...sealing, mostBytes: 2000 })).rejects.toBeInstanceOf(BundleTooLarge);
});

test('where no check is left to leave out, entries go and notes stay', async () => {
  const long = 'x'.repeat(5000);
  const steps = [2, 3, 4].map((seq) => ({ ...buildStep(seq), body: { sentence: long } }));
  const entries = [buildExamined(1, 90, 'first'), ...steps, buildExamined(5, 20, 'end')];
  const sealing = await buildSealing({ entries });
  const whole = await fit(sealing);
  const small = whole.bytes - sizeOfChecks(entries) - 3000;
  const tight = await fit({ ...sealing, mostBytes: small });
  expect(tight).toMatchObject({
    seqs: [1, 2, 4, 5],
    checks: [],
    leftOut: { examinations: 2, entries: 1 },
  });
});

function sizeOfChecks(entries: readonly Bundle['entries'][number][]): number {
  return entries
    .flatMap(({ body }) => CheckNote.safeParse(body).data?.facts.examination ?? [])
    .reduce<number>((sum, examination) => sum + canonicalJson(examination).length, 0);
}

async function fit(sealing: Parameters<typeof sealBundle>[0]) {
  const { text } = await sealBundle(sealing);
  const { entries, leftOut } = await mustOpen(text);
  const seqs = entries.map(({ seq }) => seq);
  const checks = entries.filter(hasCheck).map(({ seq }) => seq);
  return { seqs, checks, leftOut, bytes: new TextEncoder().encode(text).length };
}
