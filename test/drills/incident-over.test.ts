import { expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import { openIncident, playScripted } from './support/scripted.ts';
import { ask, card, hasButtons, jonas, maya, press, threadWith } from './support/conversation.ts';

const actor = { id: maya, via: 'slack' } as const;

test('what waits for votes when its incident ends is withdrawn, recorded, and said on its card', async () => {
  const scripted = await playScripted({ sendIntervalMs: 0 });
  const { bot, stage, remedy } = scripted;
  const { incident } = await openIncident(scripted);
  await ask(stage, maya, 'propose A');
  const { ts } = await card(stage, 'Proposed');
  expect((await bot.incidents.resolve(incident.id, actor, 'it was a test')).ok).toBe(true);
  const withdrawn = await card(stage, 'Withdrawn');
  expect(withdrawn.ts).toBe(ts);
  expect(toText(withdrawn)).toContain('The incident is over, so dbconn withdrew this.');
  expect(hasButtons(withdrawn)).toBe(false);
  await threadWith(stage, withdrawn, 'journal entry');
  expect(
    await press(stage, { user: jonas, ts, actionId: actionIds.approve }).catch(String),
  ).toMatch(/The incident is over|there is no/);
  expect(remedy.runs).toBe(0);
  const kinds = (await bot.journal.entries()).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'withdrawn')).toHaveLength(1);
  expect(await bot.journal.verify()).toMatchObject({ ok: true });
});

test('what is proposed after the incident, or while another one is open, is not withdrawn', async () => {
  const scripted = await playScripted({ sendIntervalMs: 0 });
  const { bot, stage } = scripted;
  const { incident: first } = await openIncident(scripted);
  await bot.incidents.resolve(first.id, actor, 'it was a test');
  await ask(stage, maya, 'propose A');
  await card(stage, 'Proposed');
  expect(await bot.approvals.sweep()).toEqual({ ok: true, value: [] });
  await openIncident(scripted);
  expect(await bot.approvals.sweep()).toEqual({ ok: true, value: [] });
  expect(toText(await card(stage, 'Proposed'))).toContain('Needs 1 approval');
});
