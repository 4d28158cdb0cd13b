import { expect, test } from 'vitest';
import { parseCommand } from '../../src/runbook/commands/parse-command.ts';
import { allWords, guides } from '../../src/runbook/commands/words.ts';
import { options } from '../../src/terminal/arguments.ts';
import { renderGuide, renderHelp, terminalGuides } from '../../src/terminal/render/help.ts';

test('help names every word in a line, and fits sixty columns and a screen', () => {
  const lines = renderHelp().split('\n');
  for (const word of Object.keys(terminalGuides).filter((word) => word !== 'help')) {
    expect(lines.filter((line) => line.startsWith(`  ${word} `))).toHaveLength(1);
  }
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(60);
  expect(lines.length).toBeLessThanOrEqual(52);
});

test.for(Object.keys(terminalGuides))('the help of %s has its forms and two examples', (word) => {
  const text = renderGuide(word);
  expect(text.split('\n')[0]).toBe(`${word}: ${terminalGuides[word]?.does}`);
  expect(text.split('Examples')[1]?.match(/^ {2}dbconn \S/gm)).toHaveLength(2);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
});

test.for(allWords)('the examples of %s are understood as they are written', (word) => {
  for (const [typed] of guides[word].examples) {
    const command = parseCommand(typed, ['orders']);
    expect(command.kind === 'help' ? command.problem : undefined).toBeUndefined();
  }
});

test('every option that the help of a word shows is one', () => {
  const shown = Object.keys(terminalGuides).flatMap(
    (word) => renderGuide(word).match(/--[a-z-]+/g) ?? [],
  );
  expect(shown.length).toBeGreaterThan(5);
  expect(Object.keys(options)).toEqual(expect.arrayContaining(shown.map((one) => one.slice(2))));
});
