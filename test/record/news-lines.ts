import { z } from 'zod';

/**
 * News of an incident or a request is posted as fast as Slack takes it: one line a message, or several as a list. How
 * many make a message is the clock’s choice; the lines and their order are not.
 */
const Bundle = z.looseObject({
  text: z.string().regex(/^News of .*: \d+ (?:line|step)s?$/),
  blocks: z.tuple([z.looseObject({ elements: z.array(z.looseObject({ type: z.string() })) })]),
});
const Elements = z.looseObject({ elements: z.array(z.unknown()) });

/** Its lines one by one, without what only says how many there are; undefined where the message is no news. */
export function toNewsLines(content: unknown): unknown[] | undefined {
  const bundle = Bundle.safeParse(content);
  if (!bundle.success) return undefined;
  const [{ elements }] = bundle.data.blocks;
  return elements
    .flatMap((element) =>
      element.type === 'rich_text_list' ? Elements.parse(element).elements : [element],
    )
    .map((line) => ({ news: withoutBreak(line) }));
}

/** A paragraph among others ends with a line break of its own. */
function withoutBreak(line: unknown): unknown {
  const { elements = [] } = Elements.partial().parse(line);
  return elements.filter((leaf) => JSON.stringify(leaf) !== '{"type":"text","text":"\\n"}');
}
