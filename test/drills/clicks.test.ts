import { describe, expect, test } from 'vitest';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { done } from '../../src/runbook/remedies/remedy.ts';
import {
  actionIds,
  blockIds,
  blockOf,
  callbackIds,
  checklistAction,
  followUpActions,
  incidentActions,
  knownCallbacks,
  proposeActions,
} from '../../src/slack/messages/kit/action-ids.ts';
import type { RequestActionId, StatusActionId } from '../../src/slack/messages/kit/action-ids.ts';
import { buildPlan, byHand } from '../runbook/approvals/builders.ts';
import { playScripted, postButton, pressToTheEnd } from './support/scripted.ts';
import type { Fillings, Scripted } from './support/scripted.ts';
import {
  ask,
  card,
  dana,
  foreigner,
  guest,
  jonas,
  maya,
  messagesOf,
  press,
  stranger,
} from './support/conversation.ts';
import { toText } from '../../sandbox/message-text.ts';
import { patienceMs } from '../support/until.ts';

/** The cards a press can land on, one in each state that has buttons. */
interface Cards {
  readonly proposed: string;
  readonly running: string;
  readonly handed: string;
  readonly expired: string;
  readonly done: string;
  readonly requests: readonly string[];
  finish(): void;
}

async function setCards({ stage, bot, remedy, clock }: Scripted): Promise<Cards> {
  const undoAsk = { kind: 'idle-in-transaction', idleForMs: 7000 } as const;
  const { policyVersion: _version, plannedAt: _at, ...draft } = buildPlan({ undoAsk });
  const followUps = [11, 12, 13].map((pid) => ({
    kind: 'stop-session' as const,
    pid,
    how: 'terminate' as const,
  }));
  remedy.propose = () => Promise.resolve(done(draft));
  remedy.recheck = ({ targets }) => Promise.resolve({ left: targets, skipped: [] });
  const run = remedy.run.bind(remedy);
  remedy.run = async (plan, left, control) => ({ ...(await run(plan, left, control)), followUps });
  const requests: string[] = [];
  const propose = async (): Promise<string> => {
    await ask(stage, maya, 'propose A');
    const open = await bot.approvals.list();
    const known = new Set(requests);
    const fresh = open.ok ? open.value.find(({ id }) => !known.has(id)) : undefined;
    requests.push(fresh?.id ?? '');
    const place = await bot.cards.placeOf(fresh?.id ?? '');
    return place?.ts ?? '';
  };
  const finished = await propose();
  await press(stage, { user: jonas, ts: finished });
  await stage.slack.waitFor(() => at(finished, 'Propose the undo'), patienceMs);
  const expired = await propose();
  clock.pass(15 * 60_000);
  await bot.approvals.sweep();
  await stage.slack.waitFor(() => at(expired, 'Propose again'), patienceMs);
  remedy.propose = () => Promise.resolve(done({ ...draft, byHand }));
  const handed = await propose();
  await press(stage, { user: jonas, ts: handed });
  await stage.slack.waitFor(() => at(handed, 'I ran it'), patienceMs);
  remedy.propose = () => Promise.resolve(done(draft));
  const held = Promise.withResolvers<void>();
  remedy.during = () => held.promise;
  const running = await propose();
  await press(stage, { user: jonas, ts: running });
  await stage.slack.waitFor(() => at(running, 'Running'), patienceMs);
  const proposed = await propose();
  return { proposed, running, handed, expired, done: finished, requests, finish: held.resolve };

  function at(ts: string, words: string): true | undefined {
    const found = messagesOf(stage).find((one) => one.ts === ts);
    return found !== undefined && toText(found).includes(words) ? true : undefined;
  }
}

/** Where each button stands. A new one without its line here fails the first test. */
const standsOn: Readonly<Record<RequestActionId | StatusActionId, keyof Cards | 'status'>> = {
  [actionIds.approve]: 'proposed',
  [actionIds.deny]: 'proposed',
  [actionIds.change]: 'proposed',
  [actionIds.stop]: 'running',
  [actionIds.askAgain]: 'expired',
  [actionIds.undo]: 'done',
  [actionIds.ranByHand]: 'handed',
  [followUpActions[0]]: 'done',
  [followUpActions[1]]: 'done',
  [followUpActions[2]]: 'done',
  [actionIds.choose]: 'status',
  [proposeActions[0]]: 'status',
  [proposeActions[1]]: 'status',
  [proposeActions[2]]: 'status',
  [proposeActions[3]]: 'status',
};

const stands = new Map<string, keyof Cards | 'status'>(Object.entries(standsOn));

/** What each dialog is filled in with, and which button opens it. */
const dialogs: Fillings = {
  [callbackIds.deny]: { reason: { reason: 'because' } },
  [callbackIds.approve]: { reason: { reason: 'because' } },
  [callbackIds.idle]: { over: { over: '5s' }, application: { application: 'backend' } },
};

test('every button and every dialog dbconn answers is pressed here by those who may not', () => {
  // Those of incidents are pressed in incident-clicks.test.ts, ticks of a checklist where it is tested.
  const elsewhere = [...Object.values(incidentActions), checklistAction];
  expect([...Object.keys(standsOn), ...elsewhere].toSorted()).toEqual(
    [...blockOf.keys()].toSorted(),
  );
  const others = [...knownCallbacks].filter((id) => !id.startsWith('dbconn_incident_'));
  expect(Object.keys(dialogs).toSorted()).toEqual(others.toSorted());
});

describe.each(['socket', 'http'] as const)('by %s', (mode) => {
  test.for([
    ['a stranger', stranger],
    ['a guest', guest],
    ['somebody of another workspace', foreigner],
  ] as const)(
    'a press of %s is answered on every button there is, and changes nothing',
    async ([, user]) => {
      const rule = { propose: [maya], approve: [jonas, dana, maya, guest, foreigner] };
      const scripted = await playScripted({ mode, rule, sendIntervalMs: 0 });
      const { stage, bot, remedy } = scripted;
      const cards = await setCards(scripted);
      const read = (): Promise<(ApprovalRequest | undefined)[]> =>
        Promise.all(cards.requests.map((id) => bot.journal.read(id)));
      const before = await read();
      const seen: string[] = [];
      for (const actionId of Object.keys(standsOn)) {
        const stand = stands.get(actionId) ?? 'status';
        const ts = stand === 'status' ? await postStatus(actionId) : cards[stand];
        const { said, dialog } = await pressToTheEnd(
          scripted,
          { user, ts: String(ts), actionId },
          dialogs,
        );
        if (dialog !== undefined) seen.push(dialog);
        // Stopping is open to everybody: a needless stop costs minutes, a missing one a database.
        const isOpen = actionId === actionIds.stop;
        if (isOpen) await ask(stage, dana, 'go');
        expect.soft(said, actionId).toMatch(isOpen ? /All changes are stopped/ : refused);
      }
      expect(await read()).toEqual(before);
      const open = await bot.approvals.list();
      expect(open.ok && open.value.map(({ id }) => id)).toEqual(cards.requests.slice(2));
      expect(remedy.runs).toBe(2);
      expect([...new Set(seen)].toSorted()).toEqual([callbackIds.deny, callbackIds.idle]);
      cards.finish();

      async function postStatus(actionId: string): Promise<string> {
        const value = actionId === actionIds.choose ? 'shop' : 'A shop';
        return (await postButton(stage, { actionId, value, blockId: blockIds.status })).ts;
      }
    },
  );

  test('an approval with a reason is refused to a stranger before any dialog', async () => {
    const scripted = await playScripted({ mode, rule: { reasonRequired: true } });
    const { stage, bot, remedy } = scripted;
    await ask(stage, maya, 'propose A');
    const { ts } = await card(stage, 'Proposed');
    const pressing = { user: stranger, ts, actionId: actionIds.approve };
    const { said, dialog } = await pressToTheEnd(scripted, pressing, dialogs);
    expect(dialog).toBeUndefined();
    expect(said).toMatch(refused);
    expect(await bot.approvals.list()).toMatchObject({ value: [{ state: 'proposed', votes: [] }] });
    expect(remedy.runs).toBe(0);
  });
});

const refused =
  /You are not an approver|You may not propose|not an approver|guest|workspace|may not|not one of/i;

test('a button of ours in a block that is not is answered, logged, and does nothing', async () => {
  const { stage, bot } = await playScripted();
  await ask(stage, maya, 'propose A');
  await card(stage, 'Proposed');
  const open = await bot.approvals.list();
  const value = open.ok ? (open.value[0]?.id ?? '') : '';
  const { ts } = await postButton(stage, { actionId: actionIds.approve, value });
  expect(await press(stage, { user: jonas, ts })).toContain('is not from a message of dbconn');
  expect(stage.lines.join('')).toContain('A press was not one of ours');
  expect(await bot.approvals.list()).toMatchObject({ value: [{ state: 'proposed', votes: [] }] });
});

test('the id of another request on a message is answered, logged, and does nothing', async () => {
  const { stage, bot } = await playScripted();
  await ask(stage, maya, 'propose A');
  await card(stage, 'Proposed');
  const open = await bot.approvals.list();
  const value = open.ok ? (open.value[0]?.id ?? '') : '';
  const forged = { actionId: actionIds.approve, value, blockId: blockIds.request };
  const { ts } = await postButton(stage, forged);
  expect(await press(stage, { user: jonas, ts })).toContain('does not match its message');
  expect(stage.lines.join('')).toContain('A press on a foreign card');
  expect(await bot.approvals.list()).toMatchObject({ value: [{ state: 'proposed', votes: [] }] });
});

test.for(['-', 'no-such-id', '../../etc', 'x'.repeat(2000)])(
  'a button with a value nobody made (%#) is answered',
  async (value) => {
    const { stage } = await playScripted();
    const forged = { actionId: actionIds.approve, value, blockId: blockIds.request };
    const { ts } = await postButton(stage, forged);
    expect(await press(stage, { user: jonas, ts })).toContain('No request in the journal');
  },
);
