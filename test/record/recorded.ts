import { join, relative } from 'node:path';
import { expect, TestRunner } from 'vitest';
import type { SlackOptions } from '../../sandbox/slack/options.ts';
import { startSlack } from '../../sandbox/slack/server.ts';
import type { LocalSlack } from '../../sandbox/slack/server.ts';
import { createTranscript } from './transcript.ts';
import { toFileName, write } from './write.ts';

/** Where tests write down what dbconn said; undefined where no recording is asked for. */
const folder = process.env['DBCONN_RECORD'];
/** How many Slacks a test had so far, and what it was answered, by the name of its recording. */
const opened = new Map<string, number>();
const answers = new Map<string, readonly unknown[]>();

/** A local Slack; where a recording is asked for, what it was told is written down when it closes. */
export async function startRecordedSlack(options: SlackOptions): Promise<LocalSlack> {
  const name = nameOfTest();
  if (name === undefined) return startSlack(options);
  const transcript = createTranscript();
  const slack = await startSlack({ ...options, onSaid: transcript.hear });
  const times = (opened.get(name) ?? 0) + 1;
  opened.set(name, times);
  const close = slack.close.bind(slack);
  let isWritten = false;
  return Object.assign(slack, {
    close() {
      if (!isWritten) write(`${name}${times === 1 ? '' : `-${times}`}.json`, transcript.toJson());
      isWritten = true;
      return close();
    },
  });
}

/** Writes down what was answered to something, where a recording is asked for; returns the answer. */
export function recordAnswer<T>(asked: string, answer: T): T {
  const name = nameOfTest();
  if (name === undefined) return answer;
  const file = `${name}.answers.json`;
  const all = [...(answers.get(file) ?? []), { asked, answer }];
  answers.set(file, all);
  write(file, all);
  return answer;
}

/** `drills/votes/what-nobody-approves-in-time-expires`; undefined where nothing is recorded, and outside a test. */
function nameOfTest(): string | undefined {
  const { testPath, currentTestName } = expect.getState();
  const isTest = TestRunner.getCurrentTest() !== undefined;
  if (folder === undefined || !isTest || testPath === undefined) return undefined;
  const suite = relative('test', testPath).replace('.test.ts', '');
  return join(folder, suite, toFileName(currentTestName ?? ''));
}
