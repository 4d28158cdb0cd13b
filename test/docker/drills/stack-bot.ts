import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { toText } from '../../../sandbox/message-text.ts';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { openBot } from '../../support/open-bot.ts';

import { systemClock } from '../../../src/timing.ts';
import { readConfig } from '../../../src/config/config.ts';
import { createLog } from '../../../src/log.ts';
import { createRunbook } from '../../../src/runbook/loop/target-monitor.ts';
import { actionIds } from '../../../src/slack/messages/kit/action-ids.ts';
import {
  ask,
  dana,
  jonas,
  maya,
  messagesOf,
  openConversation,
  press,
} from '../../drills/support/conversation.ts';
import type { Conversation } from '../../drills/support/conversation.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import type { JournalFolder } from '../../journal/temporary-journal.ts';
import { appToken, botToken } from '../../slack/support/workspace.ts';
import { findCanary } from '../stack-monitor.ts';
import type { Stack } from '../stack.ts';
import { writeConfig } from './write-config.ts';
import type { ConfigOptions } from './write-config.ts';
import { patienceMs } from '../../support/until.ts';
import type { Bot } from '../../../src/app/deps.ts';

/** A change that is over. */
interface Ended {
  readonly card: SlackMessage;
  /** The card as people read it. */
  readonly text: string;
  /** What was said under it. */
  readonly thread: string;
}

/**
 * The bot as `main.ts` builds it, from a dbconn.yml, beside a stack. People reach it through the local Slack only:
 * Maya proposes, Jonas approves, and Dana too where it takes two.
 */
export interface StackBot {
  readonly conversation: Conversation;
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
  const folder = makeJournalFolder();
  // Only its Slack is used here: the bot comes from the configuration.
  const conversation = await openConversation({
    approvalTargets: [],
    runbook: createRunbook([], systemClock),
  });
  const lines: string[] = [];
  let bot: Bot | undefined;
  try {
    const file = join(dirname(folder.file), 'dbconn.yml');
    writeFileSync(file, await writeConfig(stack, folder.file, options));
    bot = await openBot({
      config: readConfig(process.env, file),
      slack: {
        connection: { kind: 'socket', appToken },
        botToken,
        apiUrl: conversation.slack.apiUrl,
      },
      log: createLog('info', into(lines)),
    });
    await bot.start();
    await bot.warm();
    return toStackBot({ conversation, bot, folder, lines });
  } catch (error) {
    await bot?.stop();
    await conversation.close();
    folder.close();
    throw error;
  }
}

function into(lines: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'));
      done();
    },
  });
}

interface Parts {
  readonly conversation: Conversation;
  readonly bot: Bot;
  readonly folder: JournalFolder;
  readonly lines: readonly string[];
}

function toStackBot(parts: Parts): StackBot {
  const { conversation } = parts;
  const awaitCard = async (act: () => Promise<string>): Promise<SlackMessage> => {
    const seen = new Set(messagesOf(conversation).map(({ ts }) => ts));
    const answer = await act();
    if (!answer.includes('Proposed: ')) throw new Error(`Nothing was proposed: ${answer}`);
    return conversation.slack.waitFor(
      () =>
        messagesOf(conversation).find(
          (one) => !seen.has(one.ts) && one.text.startsWith('Proposed, '),
        ),
      patienceMs,
    );
  };
  const approve = async ({ ts }: SlackMessage): Promise<void> => {
    const first = await press(conversation, { user: jonas, ts });
    const answer = first.includes('it begins')
      ? first
      : await press(conversation, { user: dana, ts });
    if (!answer.includes('it begins')) throw new Error(`It did not begin: ${first} ${answer}`);
  };
  const end = async ({ ts }: SlackMessage): Promise<Ended> => awaitEnd(conversation, ts);
  const settle = async (card: SlackMessage): Promise<Ended> => {
    await approve(card);
    return end(card);
  };
  const propose = (words: string): Promise<SlackMessage> =>
    awaitCard(() => ask(conversation, maya, `propose ${words}`));
  return {
    conversation,
    ask: (words) => ask(conversation, maya, words),
    propose,
    approve,
    end,
    change: async (words) => settle(await propose(words)),
    undo: async ({ card: { ts } }) =>
      settle(
        await awaitCard(() => press(conversation, { user: maya, ts, actionId: actionIds.undo })),
      ),
    close: () => close(parts),
  };
}

/** The head of the journal is the last thing that is posted under a card. */
async function awaitEnd(conversation: Conversation, ts: string): Promise<Ended> {
  const { slack } = conversation;
  const isOver = ({ text }: SlackMessage): boolean =>
    !/^(?:Proposed|Approved|Running|Checking the effect), /.test(text);
  try {
    return await slack.waitFor(() => {
      const card = messagesOf(conversation).find((one) => one.ts === ts && isOver(one));
      const thread = readThread(conversation, ts);
      return card !== undefined && thread.includes('journal entry')
        ? { card, text: toText(card), thread }
        : undefined;
    }, endWithinMs);
  } catch (cause) {
    throw new Error(`It did not end:\n${readThread(conversation, ts)}`, { cause });
  }
}

function readThread(conversation: Conversation, ts: string): string {
  return messagesOf(conversation)
    .filter((one) => one.thread_ts === ts)
    .map(toText)
    .join('\n');
}

async function close({ conversation, bot, folder, lines }: Parts): Promise<void> {
  try {
    await bot.stop();
    const journal = await folder.open();
    const verified = await journal.verify();
    if (!verified.ok) throw new Error(`The journal does not verify: ${JSON.stringify(verified)}`);
    const { channels, ephemerals } = conversation.slack.state;
    const told = [channels, ephemerals, lines, await journal.entries()];
    const canary = findCanary(told.map((one) => JSON.stringify(one)).join('\n'));
    if (canary !== undefined) throw new Error(`dbconn gave away "${canary}".`);
    const broken = lines.filter((line) => /"level":[56]0/.test(line));
    if (broken.length > 0) throw new Error(`dbconn logged errors:\n${broken.join('')}`);
  } finally {
    await conversation.close();
    folder.close();
  }
}
