import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import { commandsOn, openByHandStage, restartReally } from './support/by-hand-stage.ts';
import type { ByHandStage } from './support/by-hand-stage.ts';
import { card, jonas, maya, press, stranger, threadWith } from './support/conversation.ts';
import { named } from '../support/people.ts';

let scene: ByHandStage;
beforeAll(async () => {
  scene = await openByHandStage(12);
});
afterEach(() => scene.tidy());
afterAll(() => scene.close());

const actionId = actionIds.ranByHand;

test('a restart without Docker is approved, shown, run by a person, said so, and seen to have helped', async () => {
  const { stage, bot, ts, service } = await scene.handRestart();
  const no = await press(stage, { user: stranger, ts, actionId });
  expect(no).toContain('Only an approver of option C or its proposer');
  await restartReally(scene.patient, service);
  const open = await bot.approvals.list();
  const id = open.ok ? (open.value[0]?.id ?? '') : '';
  expect(await press(stage, { user: maya, ts, actionId })).toContain('you ran it');
  const second = await bot.approvals.ranByHand(id, { id: jonas, via: 'slack' });
  expect(second).toMatchObject({ ok: false });
  const ended = await card(stage, 'Fixed');
  expect(toText(ended)).toContain(`Run by hand by ${named(maya)}`);
  expect(commandsOn(ended)).toEqual([]);
  await threadWith(stage, ended, 'journal entry');
  expect(toText(ended)).toContain('1 restarted');
  expect(await bot.journal.verify()).toMatchObject({ ok: true });
  const kinds = (await bot.journal.entries()).map(({ kind }) => kind);
  expect(kinds.filter((kind) => kind === 'ran-by-hand')).toHaveLength(1);
  expect(kinds).not.toContain('step-intended');
});
