import { describe, expect, test } from 'vitest';
import type { TargetMonitor } from '../../src/runbook/loop/target-monitor.ts';
import type { Incident } from '../../src/runbook/incidents/incident.ts';
import {
  blockIds,
  callbackIds,
  incidentActions,
  incidentChoices,
  remedyActions,
  knownCallbacks,
} from '../../src/slack/messages/kit/action-ids.ts';
import type { IncidentActionId, IncidentChoice } from '../../src/slack/messages/kit/action-ids.ts';
import { toText } from '../../sandbox/message-text.ts';
import { aSnapshot } from '../runbook/diagnose/builders.ts';
import { aDiagnosis, aTarget } from '../slack/support/diagnoses.ts';
import { aMonitor } from '../slack/support/workspace.ts';
import { openIncident, playScripted, postButton, pressToTheEnd } from './support/scripted.ts';
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
  open,
  press,
  submit,
} from './support/conversation.ts';
import { named } from '../support/people.ts';
import { patienceMs, until } from '../support/until.ts';

interface Shown extends Scripted {
  readonly id: string;
  readonly ts: string;
}

/** One for each button, and one for the menu. */
const remedies = ['A', 'A web', 'A jobs', 'A mail'] as const;

/** A bot with an open incident whose message stands in the channel, with its remedies on it. */
async function shown(changes: Parameters<typeof playScripted>[0] = {}): Promise<Shown> {
  const monitor = checking('shop');
  const scripted = await playScripted({ sendIntervalMs: 0, monitor, ...changes });
  const { incident, ts } = await openIncident(scripted);
  // Its first check puts them there.
  await says(scripted, ts, 'End them.');
  return { ...scripted, id: incident.id, ts };
}

/** Each check finds the same remedies. */
function checking(...names: readonly string[]): TargetMonitor {
  const proposals = remedies.map((words) => ({
    option: 'A' as const,
    subject: null,
    summary: 'End them.',
    slotsFreed: 2,
    blocked: null,
    command: `propose ${words}`,
  }));
  return aMonitor({
    targets: names.map((name) => aTarget({ name })),
    runCheck: (name) =>
      Promise.resolve({
        snapshot: { ...aSnapshot(), target: name },
        target: aTarget({ name }),
        recent: [],
        diagnosis: aDiagnosis({ target: name, state: 'warning', findings: [], proposals }),
      }),
  });
}

async function read({ bot }: Scripted, id: string): Promise<Incident> {
  const found = await bot.incidents.get(id);
  if (!found.ok) throw new Error(found.refusal.why);
  return found.value;
}

/** The message, once it says so. */
function says({ stage }: Scripted, ts: string, words: string): Promise<string> {
  return stage.slack.waitFor(() => {
    const found = messagesOf(stage).find((one) => one.ts === ts);
    const text = found === undefined ? '' : toText(found);
    return text.includes(words) ? text : undefined;
  }, patienceMs);
}

test('Acknowledge names the owner on the message, and taking over is said', async () => {
  const world = await shown();
  const { stage, id, ts } = world;
  expect(await press(stage, { user: jonas, ts, actionId: incidentActions.have })).toContain(
    'You own the incident of shop',
  );
  await says(world, ts, `Owner: ${named(jonas)}`);
  await press(stage, { user: dana, ts, actionId: incidentActions.have });
  await says(world, ts, `Owner: ${named(dana)}`);
  expect(await read(world, id)).toMatchObject({ assignee: { by: { id: dana } } });
});

test('the first remedy is proposed by its button, as if it had been typed', async () => {
  const { stage, ts } = await shown();
  await press(stage, { user: maya, ts, actionId: incidentActions.remedy });
  expect(toText(await card(stage, 'Proposed'))).toContain('option A for shop');
});

test('a remedy that stands in the menu is proposed from there', async () => {
  const { stage, id, ts } = await shown();
  const value = `propose ${id} A mail shop`;
  await press(stage, { user: maya, ts, actionId: incidentActions.menu, value });
  expect(toText(await card(stage, 'Proposed'))).toContain('option A for shop');
});

test('silence asks for how long and why, and the message says it', async () => {
  const world = await shown();
  const { stage, id, ts } = world;
  const menu = { user: jonas, ts, actionId: incidentActions.menu, value: `silence ${id}` };
  const view = await open(stage, menu);
  const wrong = { for: { for: 'soon' }, reason: { reason: 'a load test' } };
  expect(await submit(stage, { user: jonas, view, values: wrong })).toContain('A duration');
  const right = { for: { for: '3h' }, reason: { reason: 'a load test' } };
  expect(await submit(stage, { user: jonas, view, values: right })).toContain(
    'No escalations until',
  );
  expect(await says(world, ts, 'Silenced')).toContain('a load test');
});

test('close asks why, and the message says that it is over; reopen brings it back', async () => {
  const world = await shown();
  const { stage, id, ts } = world;
  const menu = { user: jonas, ts, actionId: incidentActions.menu };
  const view = await open(stage, { ...menu, value: `close ${id}` });
  await submit(stage, { user: jonas, view, values: { reason: { reason: 'it was a test' } } });
  expect(await says(world, ts, 'Resolved')).toContain('it was a test');
  const [top] = stage.slack.state.modals.get(jonas) ?? [];
  await stage.slack.closeView({ user: jonas, viewId: top?.view.id ?? '' });
  const again = await open(stage, { ...menu, value: `reopen ${id}` });
  await submit(stage, { user: jonas, view: again, values: { reason: { reason: 'it is back' } } });
  await says(world, ts, 'Reopened at');
  expect(await read(world, id)).toMatchObject({ state: 'open' });
});

test('with no other open incident there is none to merge into', async () => {
  const { stage, id, ts } = await shown();
  const menu = { user: jonas, ts, actionId: incidentActions.menu, value: `merge ${id}` };
  expect(await press(stage, menu)).toContain('No other incident is open');
});

test('the words do what the buttons do', async () => {
  const world = await shown();
  const { stage, id, ts } = world;
  expect(await ask(stage, jonas, 'incidents')).toContain(id);
  expect(await ask(stage, jonas, 'incident ack')).toContain('You own the incident');
  await says(world, ts, `Owner: ${named(jonas)}`);
  expect(await ask(stage, jonas, `incident silence ${id} 1h a test`)).toContain('is silenced');
  expect(await ask(stage, jonas, 'incident unsilence shop')).toContain('sends escalations again');
  expect(await ask(stage, jonas, 'escalate backend-lead it fills again')).toContain(
    'is on its way',
  );
  expect((await read(world, id)).escalations).toMatchObject([{ who: 'backend-lead' }]);
  expect(await ask(stage, jonas, 'incident close it was a test')).toContain('is closed');
  expect(await ask(stage, jonas, 'incidents')).toContain('No incident is open');
  expect(await ask(stage, jonas, 'incident reopen it is back')).toContain('is open again');
});

/** Each button and choice, and what whoever may not is told; `open` ones are for everybody. */
const buttons: Readonly<Record<IncidentActionId, 'refused' | 'help' | 'menu'>> = {
  [incidentActions.have]: 'refused',
  [incidentActions.remedy]: 'refused',
  [incidentActions.secondRemedy]: 'refused',
  [incidentActions.thirdRemedy]: 'refused',
  [incidentActions.help]: 'help',
  [incidentActions.menu]: 'menu',
};
const choices: Readonly<Record<IncidentChoice, 'refused' | 'looks'>> = {
  propose: 'refused',
  status: 'looks',
  silence: 'refused',
  unsilence: 'refused',
  merge: 'refused',
  close: 'refused',
  report: 'looks',
  reopen: 'refused',
};

/** What each dialog is filled in with. */
const fillings: Fillings = {
  [callbackIds.incidentSilence]: { for: { for: '2h' }, reason: { reason: 'because' } },
  [callbackIds.incidentMerge]: {},
  [callbackIds.incidentClose]: { reason: { reason: 'because' } },
  [callbackIds.incidentReopen]: { reason: { reason: 'because' } },
  [callbackIds.incidentHelp]: { reason: { reason: 'because' } },
};

test('every incident button, choice and dialog is pressed here by those who may not', () => {
  expect(Object.keys(buttons).toSorted()).toEqual(Object.values(incidentActions).toSorted());
  expect(Object.keys(choices).toSorted()).toEqual([...incidentChoices].toSorted());
  const known = [...knownCallbacks].filter((id) => id.startsWith('dbconn_incident_'));
  expect(Object.keys(fillings).toSorted()).toEqual(known.toSorted());
});

const refused = /may not|guest|workspace|not an approver|not one of/i;

describe.each(['socket', 'http'] as const)('by %s', (mode) => {
  test.for([
    ['a guest', guest],
    ['somebody of another workspace', foreigner],
  ] as const)(
    'a press of %s is answered on everything that changes an incident, and changes nothing',
    async ([, user]) => {
      const world = await shown({
        mode,
        monitor: checking('shop', 'other'),
        rule: { propose: [maya] },
      });
      const { id, ts, bot } = world;
      await bot.incidents.open('other', trusted, 'too');
      const pressed = new Set<string>();
      const dialogs = new Set<string>();
      const tryAll = async (pressings: readonly Pressing[]): Promise<void> => {
        const before = await read(world, id);
        for (const { actionId, value } of pressings) {
          const { said, dialog } = await pressToTheEnd(
            world,
            { user, ts, actionId, value },
            fillings,
          );
          if (dialog !== undefined) dialogs.add(dialog);
          expect.soft(said, value).toMatch(refused);
          pressed.add(value.split(' ')[0] ?? '');
        }
        expect(await read(world, id)).toEqual(before);
      };
      const choose = (choice: IncidentChoice): Pressing => ({
        actionId: incidentActions.menu,
        value: `${choice} ${id}`,
      });
      await tryAll([
        { actionId: incidentActions.have, value: id },
        ...remedyActions.map((actionId, index) => ({
          actionId,
          value: `${id} ${remedies[index] ?? ''} shop`,
        })),
        { actionId: incidentActions.menu, value: `propose ${id} A mail shop` },
        choose('silence'),
        choose('merge'),
        choose('close'),
      ]);
      await bot.incidents.silence(id, trusted, { forMs: 3_600_000, reason: 'a test' });
      await says(world, ts, 'Silenced');
      await tryAll([choose('unsilence')]);
      await bot.incidents.resolve(id, trusted, 'a test');
      await says(world, ts, 'Resolved');
      await until('it is reported', async () => (await read(world, id)).reportedAt !== null);
      await tryAll([choose('reopen')]);
      const all = incidentChoices.filter((choice) => choices[choice] === 'refused');
      expect(pressed).toEqual(new Set([id, ...all]));
      expect(dialogs.size).toBe(4);
      expect(await bot.approvals.list()).toMatchObject({ value: [] });
    },
  );
});

interface Pressing {
  readonly actionId: string;
  readonly value: string;
}

const trusted = { id: maya, via: 'slack' } as const;

test('the id of an incident on a message that is not its own is answered, logged, and does nothing', async () => {
  const world = await shown();
  const { stage, id } = world;
  const forged = { actionId: incidentActions.have, value: id, blockId: blockIds.incident };
  const { ts } = await postButton(stage, forged);
  expect(await press(stage, { user: jonas, ts, actionId: incidentActions.have })).toContain(
    'is from another or an older incident message',
  );
  expect(stage.lines.join('')).toContain('A press on a foreign card');
  expect(await read(world, id)).toMatchObject({ assignee: null });
});

test.for(['-', 'inc-nosuchone', '../../etc', 'x'.repeat(2000)])(
  'a button with a value nobody made (%#) is answered',
  async (value) => {
    const { stage } = await shown();
    const forged = { actionId: incidentActions.have, value, blockId: blockIds.incident };
    const { ts } = await postButton(stage, forged);
    expect(await press(stage, { user: jonas, ts, actionId: incidentActions.have })).toContain(
      'This incident does not exist',
    );
  },
);
