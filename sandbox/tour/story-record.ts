import { toText } from '../message-text.ts';
import { incidentChannel } from '../stage.ts';
import type { SlackMessage } from '../slack/workspace.ts';
import { dana, jonas } from './change.ts';
import type { Show } from './change.ts';
import { awaitCardSaying, awaitReply, briefly, firstLines, threadOf } from './incident-sights.ts';
import { tell } from './room.ts';

/** What is left of an incident once it is over: its thread, its report, its checklist, and what is asked later. */
export async function lookBack(show: Show, ts: string): Promise<readonly string[]> {
  const reported = await readReport(show, ts);
  const ticked = await tickOne(show, ts);
  const id = await readCard(show, ts);
  const history = await tell(show, jonas, 'history');
  const prevention = await tell(show, dana, 'prevention');
  return [
    ...reported,
    ...ticked,
    ...expectWords(history, 'the history', [id, 'connection leak', '1 of 5 checklist items']),
    ...expectWords(prevention, 'the prevention', ['Prevention, shop', 'PostgreSQL']),
  ];
}

/** In the thread as a message with a graph, and as a file. */
async function readReport(show: Show, ts: string): Promise<readonly string[]> {
  const report = await awaitReply(show, ts, (one) => toText(one).includes('Cause: '));
  const { files = [], text } = await awaitReply(show, ts, ({ files }) => files !== undefined);
  const [file] = files;
  show.say(`\nThe thread, ${threadOf(show, ts).length} replies, among them:`);
  const isNews = ({ files: shared, text: news, ts: at }: SlackMessage): boolean =>
    at !== report.ts && shared === undefined && !news.startsWith('Post-incident');
  for (const reply of threadOf(show, ts).filter(isNews)) show.say(toText(reply));
  show.say(`\n${toText(report)}`);
  const kept = file === undefined ? '' : Buffer.from(show.slack.readFile(file.id)).toString('utf8');
  show.say(`\n${text}\n${indent(firstLines(kept, 8))}`);
  return [
    ...expectWords(toText(report), 'the report', [
      'Cause: Connection leak',
      'Restart ',
      ': Fixed',
      `@${jonas.name}`,
    ]),
    ...(hasGraph(report) ? [] : ['the report has no graph']),
    ...expectWords(kept, 'the file', ['# ', 'connection leak', 'Timeline']),
  ];
}

/** The first item of the checklist, which then bears a name and a time. */
async function tickOne(show: Show, ts: string): Promise<readonly string[]> {
  const list = await awaitReply(show, ts, ({ text }) => text.startsWith('Post-incident checklist'));
  const boxes = list.blocks?.find(({ type }) => type === 'actions');
  const first = /"value":"(inc-[^"]+)"/.exec(JSON.stringify(boxes))?.[1];
  const pressed = await show.slack.pressButton({
    user: dana.id,
    channel: incidentChannel,
    ts: list.ts,
    actionId: 'dbconn_checklist_tick',
    value: [first ?? ''],
  });
  if (!pressed.acked) return ['the checklist cannot be ticked'];
  const ticked = await awaitReply(
    show,
    ts,
    (one) => one.ts === list.ts && toText(one).includes(`@${dana.name}`),
  );
  show.say(`\n${dana.realName} ticks a box\n${toText(ticked)}`);
  return expectWords(toText(ticked), 'the checklist', ['1 of 5 done', '✓ Review']);
}

/** Names the same cause as the report; returns the incident's id. */
async function readCard(show: Show, ts: string): Promise<string> {
  const card = await awaitCardSaying(show, ts, '1 of 5 checklist items');
  show.say(`\n${briefly(card)}`);
  if (!toText(card).includes('Cause: Connection leak')) {
    throw new Error('The card names another cause than the report.');
  }
  return /inc-[0-9a-z]+/.exec(toText(card))?.[0] ?? 'no incident';
}

function hasGraph({ blocks = [] }: SlackMessage): boolean {
  return blocks.some(({ type }) => type === 'data_visualization');
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}

function expectWords(text: string, where: string, words: readonly string[]): readonly string[] {
  return words.filter((word) => !text.includes(word)).map((word) => `${where} lacks "${word}"`);
}
