import { WebClient } from '@slack/web-api';
import { expect, test } from 'vitest';
import { createInFlight, defaultReplyTimeouts } from '../../src/slack/handlers/in-flight.ts';
import { answerCommand } from '../../src/slack/handlers/command.ts';
import { toText } from '../../sandbox/message-text.ts';
import { aTarget } from '../slack/support/diagnoses.ts';
import { aLog, aMonitor } from '../slack/support/workspace.ts';
import { playScripted } from './support/scripted.ts';
import { database, maya } from './support/conversation.ts';

test('doctor in Slack says whether whoever incidents call can be reached', async () => {
  const { bot } = await playScripted();
  const heard: string[] = [];
  const summary = 'Steps of the escalation are for the backend lead, who cannot be reached.';
  await answerCommand(
    {
      monitor: aMonitor({ targets: [aTarget({ name: 'shop' })] }),
      ...bot,
      client: new WebClient(),
      announcements: { announce: () => Promise.resolve() },
      pagingOf: () => undefined,
      checkAround: () => Promise.resolve([{ subject: 'Configuration', state: 'missing', summary }]),
      answer: (_, audience, message) =>
        Promise.resolve(void heard.push(`${audience}: ${toText(message)}`)),
      doctorSlack: () => Promise.resolve([]),
      modals: { open: () => Promise.resolve('no'), update: () => Promise.resolve(false) },
      inFlight: createInFlight(),
      replyTimeouts: defaultReplyTimeouts,
      channel: database,
      log: aLog().log,
      asker: {
        channel: database,
        user: maya,
        respond: () => Promise.reject(new Error('unused')),
      },
      actor: { id: maya, via: 'slack' },
      signal: new AbortController().signal,
    },
    'doctor shop',
  );
  expect(heard).toHaveLength(1);
  expect(heard[0]).toContain(summary);
  expect(heard[0]).toMatch(/^caller: /);
});
