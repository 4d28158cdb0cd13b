import type { ModalView } from '@slack/types';
import { isIncidentId } from '../../runbook/commands/parse-incident.ts';
import { ChecklistItem } from '../../runbook/incidents/incident.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import {
  closeView,
  helpView,
  mergeView,
  reopenView,
  silenceView,
} from '../messages/incident-dialogs.ts';
import {
  actionIds,
  incidentActions,
  incidentChoices,
  proposeActions,
} from '../messages/kit/action-ids.ts';
import type {
  IncidentActionId,
  IncidentChoice,
  StatusActionId,
} from '../messages/kit/action-ids.ts';
import { withNames } from '../live/names.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { checklistMessage } from '../messages/report.ts';
import { idleView, usualIdleRequest } from '../messages/request-dialogs.ts';
import { answerCommand } from './command.ts';
import { decide } from './incident-commands.ts';
import { reply } from './listen.ts';
import { answerPress, isForeign, notOurList, openDialog } from './press.ts';
import type { Press, PressReply, PressWork } from './press.ts';

/** A press on an incident's message: what was chosen in its menu, and the words after the incident's id. */
interface Pressed extends Press {
  readonly incident: Incident;
  readonly choice: string;
  readonly words: string;
}

type Work = (pressed: Pressed) => Promise<PressReply>;

/** The buttons of an incident. Who pressed is what Slack says; whether it counts is the runbook's to say. */
export const incidentButtons: Readonly<Record<IncidentActionId, Work>> = {
  [incidentActions.have]: (pressed) => decide.have(pressed, pressed.incident.id),
  [incidentActions.remedy]: proposeRemedy,
  [incidentActions.secondRemedy]: proposeRemedy,
  [incidentActions.thirdRemedy]: proposeRemedy,
  [incidentActions.help]: dialog(helpView),
  [incidentActions.menu]: chosen,
};

const choices: Readonly<Record<IncidentChoice, Work>> = {
  propose: proposeRemedy,
  status: ({ incident }) => say(`status ${incident.target}`),
  silence: dialog(silenceView),
  unsilence: (pressed) => decide.unsilence(pressed, pressed.incident.id),
  merge,
  close: dialog(closeView),
  report: ({ incident }) => say(`report ${incident.id}`),
  reopen: dialog(reopenView),
};

function dialog(view: (incident: Incident, channel: string) => ModalView): Work {
  return (pressed) => openDialog(pressed, view(pressed.incident, pressed.asker.channel));
}

/** Answers a press on an incident's message by `work`. */
export function incidentButton(work: Work): PressWork {
  return (press) =>
    answerPress(press, '/dbconn incidents', async () => {
      const { id, choice, words } = read(press);
      const found = await press.incidents.get(id);
      if (!found.ok) return refusalMessage(found.refusal);
      if (isForeign(press, await press.board.placeOf(id))) return notice(foreign);
      return work({ ...press, incident: found.value, choice, words });
    });
}

/** A button has the id first, an option of the menu its choice before it. */
function read({ actionId, value }: Press): Pick<Pressed, 'choice' | 'words'> & { id: string } {
  const isMenu = actionId === incidentActions.menu;
  const [, choice = '', id = '', words = ''] =
    /^(\S*) ?(\S*)\s*([^]*)$/.exec(isMenu ? value : ` ${value}`) ?? [];
  return { choice, id, words };
}

const foreign =
  'This button is from another or an older incident message. Nothing was done. /dbconn incidents lists open incidents.';

function chosen(pressed: Pressed): Promise<PressReply> {
  const choice = incidentChoices.find((known) => known === pressed.choice);
  if (choice !== undefined) return choices[choice](pressed);
  return Promise.resolve(notice('This choice is no longer available. Nothing was done.'));
}

async function merge(pressed: Pressed): Promise<PressReply> {
  const { asker, incident, incidents } = pressed;
  const open = await incidents.list();
  if (!open.ok) return refusalMessage(open.refusal);
  const others = open.value.filter(({ id }) => id !== incident.id);
  if (others.length === 0)
    return notice('No other incident is open. There is nothing to merge into.');
  return openDialog(pressed, mergeView(incident, asker.channel, others));
}

function proposeRemedy({ words }: Pressed): Promise<PressReply> {
  return say(`propose ${words}`);
}

function say(command: string): Promise<PressReply> {
  return Promise.resolve({ command });
}

/** The buttons of a status message. They propose, as if the words they carry had been typed. */
export const statusButtons: Readonly<Record<StatusActionId, PressWork>> = {
  [actionIds.choose]: choose,
  [proposeActions[0]]: propose,
  [proposeActions[1]]: propose,
  [proposeActions[2]]: propose,
  [proposeActions[3]]: propose,
};

function propose(press: Press): Promise<void> {
  return answerCommand(press, `propose ${press.value}`);
}

/** Option A with thresholds and an application of one's own. */
async function choose(press: Press): Promise<void> {
  const { answer, asker, monitor, value } = press;
  const target = monitor.targets.find(({ name }) => name === value);
  if (target === undefined) {
    await answer(
      asker,
      'caller',
      notice('This target is not configured here. /dbconn help lists the targets.'),
    );
    return;
  }
  const view = idleView(usualIdleRequest(target.limits), { channel: asker.channel, target: value });
  const problem = await openDialog(press, view);
  if (problem !== undefined) await answer(asker, 'caller', problem);
}

/** One box: which incident, which item. */
interface Box {
  readonly id: string;
  readonly item: ChecklistItem;
}

/**
 * A tick in a post-incident checklist. What is ticked is recorded with name and time and its box goes away; clearing
 * a box that is still there records nothing.
 */
export function checklistTick(press: Press): Promise<void> {
  return reply(press, {
    work: () => record(press),
    doing: 'recording a tick',
    name: 'tick',
    otherwise: '/dbconn history',
  });
}

/** Undefined where they are not boxes that dbconn made, or of several incidents. */
function readBoxes(values: readonly string[]): readonly Box[] | undefined {
  const boxes = values.map((value) => {
    const [id = '', item] = value.split(':');
    const known = ChecklistItem.safeParse(item);
    return isIncidentId(id) && known.success ? { id, item: known.data } : undefined;
  });
  const read = boxes.filter((box) => box !== undefined);
  const isWhole = read.length === boxes.length && new Set(read.map(({ id }) => id)).size <= 1;
  return isWhole ? read : undefined;
}

/** Records what is ticked, and shows the list as it then stands. */
async function record(press: Press): Promise<Message> {
  const { actor, asker, board, client, incidents, log, readNames, ts } = press;
  const boxes = readBoxes(press.values);
  if (boxes === undefined) return notice(notOurList);
  const [first] = boxes;
  if (first === undefined) return notice('No item is ticked. Nothing was recorded.');
  const place = await board.placeOf(first.id);
  // Its thread is the only place dbconn puts it: elsewhere somebody else made it.
  if (place !== undefined && place.channel !== asker.channel) return notice(notOurList);
  for (const { id, item } of boxes) {
    const ticked = await incidents.tick(id, actor, item);
    if (!ticked.ok) return refusalMessage(ticked.refusal);
  }
  const now = await incidents.get(first.id);
  if (now.ok && ts !== undefined) {
    const message = checklistMessage(now.value);
    const { text, blocks } = await withNames(message, readNames, 'mentioned');
    await client.chat
      .update({ channel: asker.channel, ts, text, blocks: [...blocks] })
      .catch((err: unknown) => log.warn({ err }, 'A checklist could not be updated'));
  }
  return notice('Recorded, with your name and the time.');
}
