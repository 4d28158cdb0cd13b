import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { saidOfLooks } from '../../record/fixtures/looks.ts';
import { faultsOfText } from '../../support/plain-english.ts';

const Words = z.record(z.string(), z.object({ text: z.string(), blocks: z.array(z.unknown()) }));
const Lines = z.record(z.string(), z.array(z.string()));
const Said = z.object({
  slack: Words,
  terminal: Lines,
  prevention: z.object({ slack: Words.valueType, terminal: Lines.valueType }).exactOptional(),
});
const Section = z.object({
  type: z.literal('rich_text_section'),
  elements: z.array(
    z.object({
      type: z.string(),
      text: z.string().default(''),
      style: z.object({ code: z.boolean().default(false) }).optional(),
      timestamp: z.number().default(0),
    }),
  ),
});

const nights = Object.entries(saidOfLooks()).flatMap(([name, said]) => {
  const { success, data } = Said.safeParse(said);
  return success ? [[name, data] as const] : [];
});

/** What a block says: a line for each paragraph, point and cell; code in backticks, dates as Slack has them. */
function proseOf(node: unknown): string {
  if (Array.isArray(node)) return node.map(proseOf).join('\n');
  if (typeof node !== 'object' || node === null) return '';
  const section = Section.safeParse(node);
  if (section.success) return section.data.elements.map(leafOf).join('');
  // Cells hold figures, names and statements; only their heads are dbconn's own words.
  if ('rows' in node && Array.isArray(node.rows)) return proseOf(node.rows[0]);
  if ('text' in node && typeof node.text === 'string') return node.text;
  return Object.values(node).map(proseOf).join('\n');
}

function leafOf({
  type,
  text,
  style,
  timestamp,
}: z.infer<typeof Section>['elements'][number]): string {
  if (type === 'date') return `<!date^${timestamp}>`;
  return style?.code === true ? `\`${text}\`` : text;
}

test('every night of the recording is read', () => {
  expect(nights.length).toBeGreaterThan(14);
});

describe.for(nights)('of %s', ([, said]) => {
  const { prevention } = said;
  const slack = { ...said.slack, ...(prevention && { prevention: prevention.slack }) };
  const terminal = { ...said.terminal, ...(prevention && { prevention: prevention.terminal }) };

  test.for(Object.entries(slack))('Slack’s %s reads as plain English', ([, message]) => {
    expect(faultsOfText(`${message.text}\n${proseOf(message.blocks)}`)).toEqual([]);
  });

  test.for(Object.entries(terminal))('the terminal’s %s reads as plain English', ([, lines]) => {
    expect(faultsOfText(lines.join('\n'))).toEqual([]);
  });

  test.for(Object.entries(slack))('Slack’s %s has no clock but the reader’s own', ([, message]) => {
    expect(`${message.text}\n${proseOf(message.blocks)}`).not.toMatch(/\d\d:\d\d|UTC/);
  });
});
