import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AllMiddlewareArgs, SlackCommandMiddlewareArgs } from '@slack/bolt';
import type { Page } from 'playwright-core';
import { z } from 'zod';
import { launchBrowser } from './support/browser.ts';
import { DATABASE, JONAS, MAYA, post, startTestWorkspace } from './support/workspace.ts';
import { saidOfChanges } from '../record/fixtures/changes.ts';
import { saidOfIncidents } from '../record/fixtures/incidents.ts';
import { saidOfLooks } from '../record/fixtures/looks.ts';
import { saidOfOthers } from '../record/fixtures/others.ts';
import { withNames } from '../../src/slack/live/names.ts';
import type { MessageBlock } from '../../src/slack/messages/kit/message.ts';
import { toFileName } from '../record/write.ts';

/**
 * Pictures of what dbconn says, as the local Slack draws it, and how far down the first button of each is.
 * `npm run screenshots` draws those of the README into docs/. `npm run screenshots -- DIR [PART-OF-A-NAME …]` draws
 * every message and view, on a desk and on a phone, in light and in dark.
 */
const [folder = 'docs', ...wanted] = process.argv.slice(2);

/** People of the samples, as the people of this workspace, who have names. */
const people = [
  [/U0ANA00000|UANN\b/g, MAYA],
  [/UBOB\b/g, JONAS],
] as const;

/** What the README shows. */
const documents: ReadonlyMap<string, string> = new Map([
  ['incidents-alert-card-1280-light', 'incident'],
  ['incidents-alert-card-390-light', 'phone'],
  ['changes-proposed-card-1280-light', 'approval'],
  ['incidents-a-night-report-1280-light', 'report'],
]);
const isForReadme = process.argv.length === 2;

const Message = z.looseObject({ text: z.string().optional(), blocks: z.array(z.unknown()).min(1) });
const View = Message.extend({ type: z.enum(['modal', 'home']) });

interface Shown {
  readonly name: string;
  readonly content: Readonly<Record<string, unknown>>;
}

function withPeople(content: Shown['content']): z.infer<typeof Message> {
  const named = people.reduce(
    (text, [id, known]) => text.replaceAll(id, known),
    JSON.stringify(content),
  );
  return Message.parse(JSON.parse(named));
}

/** What a bot posts or edits names people; an answer to one person, a question and a view mention them. */
const posted =
  /-news-(?!question)|-(?:card|cooling|running|news|several-?news|end|whole-?list\S*|report|checklist)$/i;
const names = new Map([
  [MAYA, 'Maya Brandt'],
  [JONAS, 'Jonas Keller'],
]);

async function asShown({ name, content }: Shown): Promise<Shown> {
  const file = toFileName(name);
  const known = withPeople(content);
  if (!posted.test(file)) return { name: file, content: known };
  const { text = '', blocks, ...rest } = known;
  const message = { text, blocks: z.array(z.custom<MessageBlock>()).parse(blocks) };
  const named = await withNames(message, () => Promise.resolve(names), 'by-id');
  return { name: file, content: { ...rest, ...named } };
}

/** Each message and view within what a fixture says, by the path that leads to it. */
function findShown(name: string, content: unknown): readonly Shown[] {
  const message = Message.safeParse(content);
  if (message.success) return [{ name, content: message.data }];
  if (typeof content !== 'object' || content === null) return [];
  return Object.entries(content).flatMap(([key, value]) => findShown(`${name} ${key}`, value));
}

const surroundings = [
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  { width: 390, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
] as const;

const said = {
  looks: saidOfLooks(),
  changes: await saidOfChanges(),
  incidents: await saidOfIncidents(),
  others: await saidOfOthers(),
};
const all = (await Promise.all(findShown('', said).map(asShown)))
  .filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .filter(({ name }) => !isForReadme || [...documents.keys()].some((key) => key.startsWith(name)));
mkdirSync(folder, { recursive: true });
const workspace = await startTestWorkspace();
const browser = await launchBrowser();
let opened: Shown['content'] = {};
workspace.app.command(
  '/dbconn',
  async ({ ack, command, client }: SlackCommandMiddlewareArgs & AllMiddlewareArgs) => {
    await ack();
    await client.apiCall('views.open', { trigger_id: command.trigger_id, view: opened });
  },
);
try {
  for (const shown of all) await show(shown);
} finally {
  await browser.close();
  await workspace.close();
}

async function show({ name, content }: Shown): Promise<void> {
  const view = View.safeParse(content);
  const type = view.success ? view.data.type : 'message';
  const { client } = workspace.app;
  const ts = type === 'message' ? await post(client, { channel: DATABASE, ...content }) : undefined;
  if (type === 'home') {
    await client.apiCall('views.publish', { user_id: MAYA, view: content });
  }
  opened = content;
  for (const { width, colorScheme } of surroundings) {
    const picture = `${name}-${width}-${colorScheme}`;
    const file = isForReadme ? documents.get(picture) : picture;
    if (file === undefined) continue;
    const page = await browser.newPage({ viewport: { width, height: 3000 }, colorScheme });
    try {
      await photograph(page, type, join(folder, `${file}.png`));
    } catch (error) {
      process.stderr.write(`${name}: ${String(error)}\n`);
    } finally {
      await page.close();
    }
  }
  // The page draws the whole channel each time.
  if (ts !== undefined) await client.chat.delete({ channel: DATABASE, ts });
}

async function photograph(
  page: Page,
  type: 'message' | 'modal' | 'home',
  path: string,
): Promise<void> {
  page.setDefaultTimeout(60_000);
  await page.goto(`${workspace.slack.url}?as=${MAYA}&in=${type === 'home' ? 'home' : DATABASE}`);
  await page.locator('#sidebar .entry').first().waitFor({ state: 'attached' });
  if (type === 'modal') {
    await page.getByLabel('Slash command').fill('/dbconn');
    await page.keyboard.press('Enter');
  }
  const place = { message: '.message', modal: '#modal', home: '#home' }[type];
  const shown = page.locator(place).last();
  await shown.waitFor();
  await shown.screenshot({ path });
  const button = shown.locator('button:not(.overflow)').first();
  const [box, around] = [
    await button.boundingBox({ timeout: 500 }).catch(() => null),
    await shown.boundingBox(),
  ];
  const down =
    box === null || around === null
      ? 'no button'
      : `first button ends at ${Math.round(box.y + box.height - around.y)} px`;
  if (type === 'modal') {
    // An open dialog would lie over every later picture.
    await page.keyboard.press('Escape');
    await shown.waitFor({ state: 'hidden' });
  }
  process.stdout.write(`${path}: ${Math.round(around?.height ?? 0)} px high, ${down}\n`);
}
