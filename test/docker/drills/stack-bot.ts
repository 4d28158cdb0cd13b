import { toText } from '../../../sandbox/message-text.ts';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { openHarness } from '../../support/harness.ts';
import type { Harness } from '../../support/harness.ts';

import { readConfig } from '../../../src/config/config.ts';
import { actionIds } from '../../../src/slack/messages/kit/action-ids.ts';
import { ask, dana, jonas, maya, messagesOf, press } from '../../drills/support/conversation.ts';
import type { Room } from '../../drills/support/conversation.ts';
import { findCanary } from '../stack-monitor.ts';
import type { Stack } from '../stack.ts';
import { configOf } from './stack-config.ts';
import type { ConfigOptions } from './stack-config.ts';
import { patienceMs } from '../../support/until.ts';
import type { Bot } from '../../../src/app/deps.ts';

/** A change that is over. */
interface Ended {
  readonly card: SlackMessage;
  /** The card as people read it. */
  readonly text: string;
  /** What the journal has of its steps, a line each. */
  readonly steps: string;
}

/**
 * The bot as `main.ts` builds it, from a dbconn.yml, beside a stack. People reach it through the local Slack only:
 * Maya proposes, Jonas approves, and Dana too where it takes two.
 */
export interface StackBot {
  readonly slack: Harness['slack'];
  /** What Maya alone is answered. */
  readonly ask: (words: string) => Promise<string>;
  /** Returns the card. Throws with the answer when nothing is proposed. */
  readonly propose: (words: string) => Promise<SlackMessage>;
  /** Gives the votes it takes. */
  readonly approve: (card: SlackMessage) => Promise<void>;
  /** Waits until the card says what came of it. */
  readonly end: (card: SlackMessage) => Promise<Ended>;
  /** From the proposal to its end. */
  readonly change: (words: string) => Promise<Ended>;
  /** Presses `Propose the undo`, and goes on to the end of that. */
  readonly undo: (ended: Ended) => Promise<Ended>;
  /** Throws unless the journal verifies, and when a secret was said or recorded, or something broke. */
  readonly close: () => Promise<void>;
}

/** A restart of PostgreSQL waits for its applications for a minute; everything else is far below that. */
const endWithinMs = 110_000;

export async function openStackBot(stack: Stack, options: ConfigOptions = {}): Promise<StackBot> {
  const harness = await openHarness({ config: await configOf(stack, options) });
  try {
    const environment = { ...process.env, DBCONN_HTTP_PORT: '127.0.0.1:0' };
    const bot = await harness.start({ config: readConfig(environment, harness.file) });
    return toStackBot(harness, bot);
  } catch (error) {
    await harness.close();
    throw error;
  }
}

function toStackBot(harness: Harness, bot: Bot): StackBot {
  const awaitCard = async (act: () => Promise<string>): Promise<SlackMessage> => {
    const seen = new Set(messagesOf(harness).map(({ ts }) => ts));
    const answer = await act();
    if (!answer.includes('Proposed: ')) throw new Error(`Nothing was proposed: ${answer}`);
    return harness.slack.waitFor(
      () =>
        messagesOf(harness).find((one) => !seen.has(one.ts) && one.text.startsWith('Proposed, ')),
      patienceMs,
    );
  };
  const approve = async ({ ts }: SlackMessage): Promise<void> => {
    const first = await press(harness, { user: jonas, ts });
    const answer = first.includes('it starts now')
      ? first
      : await press(harness, { user: dana, ts });
    if (!answer.includes('it starts now')) throw new Error(`It did not begin: ${first} ${answer}`);
  };
  const end = async ({ ts }: SlackMessage): Promise<Ended> => ({
    ...(await awaitEnd(harness, ts)),
    steps: await readSteps(harness),
  });
  const settle = async (card: SlackMessage): Promise<Ended> => {
    await approve(card);
    return end(card);
  };
  const propose = (words: string): Promise<SlackMessage> =>
    awaitCard(() => ask(harness, maya, `propose ${words}`));
  return {
    slack: harness.slack,
    ask: (words) => ask(harness, maya, words),
    propose,
    approve,
    end,
    change: async (words) => settle(await propose(words)),
    undo: async ({ card: { ts } }) =>
      settle(await awaitCard(() => press(harness, { user: maya, ts, actionId: actionIds.undo }))),
    close: () => close(harness, bot),
  };
}

/** The head of the journal is the last thing that is posted under a card. */
async function awaitEnd(room: Room, ts: string): Promise<Pick<Ended, 'card' | 'text'>> {
  const { slack } = room;
  const isOver = ({ text }: SlackMessage): boolean =>
    !/^(?:Proposed|Approved|Running|Checking the effect), /.test(text);
  try {
    return await slack.waitFor(() => {
      const card = messagesOf(room).find((one) => one.ts === ts && isOver(one));
      const thread = readThread(room, ts);
      return card !== undefined && thread.includes('journal entry')
        ? { card, text: toText(card) }
        : undefined;
    }, endWithinMs);
  } catch (cause) {
    throw new Error(`It did not end:\n${readThread(room, ts)}`, { cause });
  }
}

/** Of the latest request. */
function readSteps(harness: Harness): Promise<string> {
  return harness.inJournal(async (journal) => {
    const since = new Date(0).toISOString();
    const requests = await journal.readRequestsSince({ target: 'shop', since });
    const steps = await journal.readSteps(requests.at(-1)?.id ?? '');
    return steps.map(({ sentence }) => sentence).join('\n');
  });
}

function readThread(room: Room, ts: string): string {
  return messagesOf(room)
    .filter((one) => one.thread_ts === ts)
    .map(toText)
    .join('\n');
}

async function close(harness: Harness, bot: Bot): Promise<void> {
  try {
    await bot.stop();
    const entries = await harness.inJournal(async (journal) => {
      const verified = await journal.verify();
      if (!verified.ok) throw new Error(`The journal does not verify: ${JSON.stringify(verified)}`);
      return journal.entries();
    });
    const { lines } = harness;
    const { channels, ephemerals } = harness.slack.state;
    const told = [channels, ephemerals, lines, entries];
    const canary = findCanary(told.map((one) => JSON.stringify(one)).join('\n'));
    if (canary !== undefined) throw new Error(`dbconn gave away "${canary}".`);
    const broken = lines.filter((line) => /"level":[56]0/.test(line));
    if (broken.length > 0) throw new Error(`dbconn logged errors:\n${broken.join('')}`);
  } finally {
    await harness.close();
  }
}
