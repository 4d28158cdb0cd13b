import { expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import { patienceMs } from '../support/until.ts';
import { ask, maya } from './support/conversation.ts';
import { playScripted } from './support/scripted.ts';

test('doctor in Slack says whether those whom incidents call can be reached', async () => {
  const { stage } = await playScripted({
    escalation: [{ who: 'backend-lead', afterMs: 0, when: [], unlessAssigned: false }],
  });
  await ask(stage, maya, 'doctor shop');
  // It tries the channel first, so its report is not the next thing they see.
  const report = await stage.slack.waitFor(({ ephemerals }) => {
    const own = ephemerals.filter(({ user }) => user === maya);
    return own.map(({ message }) => toText(message)).find((text) => text.includes('backend lead'));
  }, patienceMs);
  expect(report).toMatch(/Escalations to .*backend lead cannot be delivered/);
});
