import { expect, test } from 'vitest';
import { toText } from '../../../sandbox/message-text.ts';
import type { Check } from '../../../src/runbook/diagnose/doctor.ts';
import { doctorMessage } from '../../../src/slack/messages/help.ts';

const well: Check = { subject: 'Journal', state: 'ok', summary: 'The journal can be written.' };
const lack: Check = {
  subject: 'Docker',
  state: 'missing',
  summary: 'Docker has no container of it.',
  fix: 'Compare it with `docker compose ls` and `docker compose ps -a`.',
};

test('a command in a fix has spaces around it', () => {
  expect(toText(doctorMessage('shop', [lack]))).toContain(
    'Compare it with docker compose ls and docker compose ps -a.',
  );
  const apart = { ...lack, fix: '`SELECT 1;` `SELECT 2;`' };
  expect(toText(doctorMessage('shop', [apart]))).toContain('SELECT 1; SELECT 2;');
});

test('what is well is folded away where something else is not', () => {
  const [fold, ...others] = doctorMessage('shop', [lack, well]).blocks.filter(
    ({ type }) => type === 'container',
  );
  expect(others).toEqual([]);
  expect(fold).toMatchObject({ title: { text: '1 OK' }, default_collapsed: true });
  expect(JSON.stringify(fold)).toContain(well.summary);
  const fine = doctorMessage('shop', [well]);
  expect(fine.blocks.map(({ type }) => type)).not.toContain('container');
});

test('a long list says that it goes on, not its title again', () => {
  const many = Array.from({ length: 25 }, () => ({ ...well }));
  const lines = toText(doctorMessage('shop', many)).split('\n');
  expect(lines.filter((line) => line.startsWith('OK'))).toEqual(['OK', 'OK, continued']);
});
