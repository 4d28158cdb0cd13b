import { afterEach, describe, expect, test } from 'vitest';
import { readOnlyWords } from '../../src/runbook/commands/words.ts';
import { diagnose } from '../../src/runbook/diagnose/diagnose.ts';
import { renderDiagnosis } from '../../src/terminal/render/diagnosis.ts';
import { toScreen, useScreen, wrap } from '../../src/terminal/render/layout.ts';
import { renderPlan } from '../../src/terminal/render/plan.ts';
import { toTable } from '../../src/terminal/render/table.ts';
import { buildPlan } from '../runbook/approvals/builders.ts';
import {
  aPool,
  aReading,
  aSession,
  aSnapshot,
  aSource,
  aTarget,
  aWaiter,
  locksOf,
} from '../runbook/diagnose/builders.ts';
import { targetsOfEveryKind } from '../slack/support/targets.ts';
import { plain } from './plain.ts';

const widths = [60, 80, 120, 200];
const words = readOnlyWords.filter((word) => word !== 'doctor');
const long = 'a_name_without_any_space_'.repeat(20);

afterEach(() => useScreen(toScreen(undefined, {})));

function aDiagnosis(name: string): ReturnType<typeof diagnose> {
  const reading = aReading({
    sources: [aSource({ application: name, total: 90 }), aSource({ client: null })],
    sessions: [aSession({ pid: 11, application: name, query: name, state: 'idle in transaction' })],
    locks: locksOf([aWaiter(12, [11], { relation: name })]),
  });
  const snapshot = aSnapshot({ reading, pools: [aPool({ name })] });
  return diagnose({ snapshot, target: aTarget(), recent: [] });
}

function longest(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length));
}

describe.for(widths)('on a screen of %i columns', (width) => {
  test.for(words)('%s fits, whatever the database holds', (word) => {
    useScreen({ width, isAscii: false });
    const text = renderDiagnosis(aDiagnosis(long), word, plain);
    expect(longest(text)).toBeLessThanOrEqual(width);
    expect(longest(text)).toBeGreaterThan(width / 2);
  });

  test('a plan fits, with targets of every kind', () => {
    useScreen({ width, isAscii: false });
    const text = renderPlan(buildPlan({ targets: [...targetsOfEveryKind(long)] }), plain);
    expect(longest(text)).toBeLessThanOrEqual(width);
  });
});

const columns = [
  { title: 'pid', width: 8, align: 'right' },
  { title: 'application', width: 20, drop: 1 },
  { title: 'statement', width: 40 },
] as const;

test('a table is as wide as what is in it, shows all of a text where there is room, and keeps its figures', () => {
  const rows = [[4711, 'shop', 'SELECT 1']];
  useScreen({ width: 200, isAscii: false });
  expect(toTable(columns, rows)).toBe('   pid application statement\n  4711 shop        SELECT 1');
  const statement = 'SELECT '.repeat(20).trim();
  expect(toTable(columns, [[4711, 'shop', statement]])).toContain(statement);
  useScreen({ width: 60, isAscii: false });
  const narrow = toTable(columns, [[4711, 'a service with a long name', statement]]);
  expect(narrow).toContain('4711 a service');
  expect(narrow).toContain('…');
  expect(longest(narrow)).toBeLessThanOrEqual(60);
});

test('a list is cut between two items, never within one', () => {
  const pids = Array.from({ length: 24 }, (_, index) => 1_234_560 + index);
  const sessions = pids.map((pid) =>
    aSession({ pid, application: long, query: long, state: 'idle in transaction' }),
  );
  const snapshot = aSnapshot({ reading: aReading({ sessions }) });
  const diagnosis = diagnose({ snapshot, target: aTarget(), recent: [] });
  for (const width of [60, 80, 100, 120, 200]) {
    useScreen({ width, isAscii: false });
    const text = renderDiagnosis(diagnosis, 'sessions', plain);
    expect(longest(text)).toBeLessThanOrEqual(width);
    const shown = text.match(/\b123\d+/g) ?? [];
    expect(shown.length).toBeGreaterThan(0);
    for (const pid of shown) expect(pids).toContain(Number(pid));
  }
});

test('a column that may go goes before a figure loses a digit', () => {
  useScreen({ width: 60, isAscii: false });
  const figures = Array.from({ length: 6 }, (_, index) => ({
    title: `column ${index}`,
    width: 12,
    align: 'right' as const,
    ...(index === 2 && { drop: 1 }),
  }));
  const text = toTable(figures, [Array.from({ length: 6 }, (_, index) => 100_000_000 + index)]);
  expect(text).not.toContain('column 2');
  for (const index of [0, 1, 3, 4, 5]) expect(text).toContain(`${100_000_000 + index}`);
});

test('a screen is as wide as its terminal, as a pipe’s COLUMNS, or a hundred columns, from 60 to 200', () => {
  expect(toScreen(80, { COLUMNS: '120' }).width).toBe(80);
  expect(toScreen(undefined, { COLUMNS: '120' }).width).toBe(120);
  expect(toScreen(undefined, {}).width).toBe(100);
  expect(toScreen(0, { COLUMNS: 'wide' }).width).toBe(100);
  expect(toScreen(20, {}).width).toBe(60);
  expect(toScreen(500, {}).width).toBe(200);
});

test.for([
  [{ LANG: 'C' }, true],
  [{ LANG: 'en_US.UTF-8', LC_ALL: 'POSIX' }, true],
  [{ LANG: 'C', LC_CTYPE: 'C.utf8' }, false],
  [{ LANG: 'de_DE.ISO-8859-1' }, true],
  [{}, false],
] as const)('the locale %j has only ASCII: %s', ([environment, isAscii]) => {
  expect(toScreen(80, environment).isAscii).toBe(isAscii);
});

test('a screen of ASCII gets nothing else, from us or from the database', () => {
  useScreen({ width: 100, isAscii: true });
  for (const word of words) {
    // oxlint-disable-next-line no-control-regex -- colours begin with the escape character
    expect(renderDiagnosis(aDiagnosis('zürich → 東京'), word, plain)).toMatch(/^[\n -~]+$/);
  }
  expect(wrap('dbconn’s “plan” … 1 → 2')).toBe('dbconn\'s "plan" ... 1 -> 2');
});
