import { expect, test } from 'vitest';
import { diagnose } from '../../src/runbook/diagnose/diagnose.ts';
import { drawWatch, press } from '../../src/terminal/render/watch.ts';
import type { View, Watched } from '../../src/terminal/render/watch.ts';
import { aReading, aSession, aSnapshot, aSource, aTarget } from '../runbook/diagnose/builders.ts';
import { plain } from './plain.ts';

const targets = ['orders', 'billing'];
const start: View = {
  word: 'status',
  target: 'orders',
  order: 0,
  isPaused: false,
  isHelp: false,
  top: 0,
};

function pressAll(view: View, ...keys: readonly string[]): View {
  return keys.reduce((now, sequence) => {
    const next = press(now, { name: sequence === ' ' ? 'space' : sequence, sequence }, targets);
    if (typeof next === 'string') throw new Error(`${sequence} is ${next}`);
    return next;
  }, view);
}

const sessions = Array.from({ length: 30 }, (_, index) =>
  aSession({
    pid: 1000 + index,
    application: `app-${index}`,
    transactionAgeSeconds: index,
    stateAgeSeconds: 100 - index,
  }),
);
const sources = [
  aSource({ application: 'many-idle', total: 40, idle: 40, active: 0, client: '10.9.0.1' }),
  aSource({ application: 'few-active', total: 9, idle: 0, active: 9, client: '10.9.0.2' }),
];
const diagnosis = diagnose({
  snapshot: aSnapshot({ reading: aReading({ sessions, sources }) }),
  target: aTarget(),
  recent: [],
});
const watched: Watched = { diagnosis, waiting: null, targets };

function draw(view: View, change: Partial<Watched> = {}, rows = 24): string[] {
  return drawWatch(view, { ...watched, ...change }, { rows, paint: plain });
}

test('keys quit, check at once, and go from word to word and from target to target', () => {
  expect(press(start, { name: 'q' }, targets)).toBe('quit');
  expect(press(start, { name: 'c', ctrl: true }, targets)).toBe('quit');
  expect(press(start, { name: 'r' }, targets)).toBe('check');
  expect(pressAll(start, '3').word).toBe('sessions');
  expect(pressAll(start, 'tab').word).toBe('sources');
  expect(pressAll(start, 'left').word).toBe('causes');
  expect(pressAll(start, 'right', 'left').word).toBe('status');
  expect(pressAll(start, 't').target).toBe('billing');
  expect(pressAll(start, 't', 't').target).toBe('orders');
  expect(pressAll(start, 'x', '9', '0')).toEqual(start);
});

test('the headline and the keys show on every screen, however small and however far it is scrolled', () => {
  for (const rows of [12, 24, 60]) {
    for (const view of [
      start,
      pressAll(start, '3', 'pagedown', 'pagedown'),
      pressAll(start, '?'),
    ]) {
      const lines = draw(view, {}, rows);
      expect(lines).toHaveLength(rows);
      expect(lines[0]).toContain(diagnosis.headline);
      expect(lines.at(-1)).toContain('q quit');
    }
  }
});

test('what does not fit is scrolled to, and no further than its end', () => {
  const view = pressAll(start, '3');
  expect(draw(view).join('\n')).not.toContain('app-29');
  const scrolled = draw(pressAll(view, ...Array.from({ length: 9 }, () => 'pagedown')));
  expect(scrolled.join('\n')).toContain('app-29');
  expect(scrolled.at(-1)).toMatch(/(\d+)-(\d+) of \2$/);
});

function order(view: View, ...names: readonly string[]): string[] {
  const text = draw(view, {}, 80).join('\n');
  return names.toSorted((a, b) => text.indexOf(a) - text.indexOf(b));
}

test('s sorts by the next column, and says by which', () => {
  const bySources = pressAll(start, '2', 's');
  expect(draw(bySources).join('\n')).toContain('sorted by total');
  expect(order(bySources, 'few-active', 'many-idle')).toEqual(['many-idle', 'few-active']);
  const byActive = pressAll(bySources, 's');
  expect(draw(byActive).join('\n')).toContain('sorted by active');
  expect(order(byActive, 'few-active', 'many-idle')).toEqual(['few-active', 'many-idle']);
  expect(order(pressAll(start, '3', 's'), ' 1001 ', ' 1028 ')).toEqual([' 1028 ', ' 1001 ']);
  expect(order(pressAll(start, '3', 's', 's'), ' 1001 ', ' 1028 ')).toEqual([' 1001 ', ' 1028 ']);
  expect(pressAll(start, '3', 's', 's', 's', 's').order).toBe(0);
});

test('a pause, a check that takes long, and one that never ended yet are said', () => {
  expect(draw(pressAll(start, ' ')).join('\n')).toContain('PAUSED');
  expect(draw(pressAll(start, ' ', ' ')).join('\n')).toContain('every 2 s');
  expect(draw(start, { waiting: 7 }).join('\n')).toContain('checking for 7 s');
  expect(draw(start, { diagnosis: undefined }).join('\n')).toContain('No check yet');
});

test('help shows the keys until any key is pressed, and q quits from there too', () => {
  const help = pressAll(start, '?');
  expect(draw(help).join('\n')).toContain('page up and page down');
  expect(pressAll(help, 's')).toEqual(start);
  expect(press(help, { name: 'q' }, targets)).toBe('quit');
});
