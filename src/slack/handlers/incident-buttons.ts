import type { Incident } from '../../runbook/incidents/incident.ts';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
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
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { idleView, usualIdleRequest } from '../messages/request-dialogs.ts';
import { answerCommand } from './command.ts';
import { answerInTime } from './deps.ts';
import type { ActionContext, CommandDeps } from './deps.ts';
import { incidentAnswer, incidentDone, noIncidents } from './incident-commands.ts';
import { openDialog } from './press.ts';
import type { Press, PressWork } from './press.ts';

interface Pressed {
  readonly context: ActionContext;
  readonly incidents: Incidents;
  readonly incident: Incident;
  readonly press: Press;
  /** What stands in the button or option beside the incident's id. */
  readonly words: string;
}

/** Words that are answered as if they had been typed. */
interface FollowingCommand {
  readonly command: string;
}

/** A press on an incident's message; undefined where a dialog is the answer. */
type Work = (pressed: Pressed) => Promise<Message | FollowingCommand | undefined>;

/** The buttons of an incident. Who pressed is what Slack says; whether it counts is the runbook's to say. */
export const incidentButtons: Readonly<Record<IncidentActionId, Work>> = {
  [incidentActions.have]: async ({ incidents, incident, context }) =>
    incidentAnswer(await incidents.assign(incident.id, context.actor), incidentDone.have),
  [incidentActions.remedy]: ({ words }) => say(`propose ${words}`),
  [incidentActions.help]: ({ context, incident, press }) =>
    openDialog(context, press, helpView(incident, press.asker.channel)),
  [incidentActions.menu]: chosen,
};

const choices: Readonly<Record<IncidentChoice, Work>> = {
  status: ({ incident }) => say(`status ${incident.target}`),
  silence: ({ context, incident, press }) =>
    openDialog(context, press, silenceView(incident, press.asker.channel)),
  unsilence: async ({ incidents, incident, context }) =>
    incidentAnswer(await incidents.unsilence(incident.id, context.actor), incidentDone.unsilence),
  merge,
  close: ({ context, incident, press }) =>
    openDialog(context, press, closeView(incident, press.asker.channel)),
  report: ({ incident }) => say(`report ${incident.id}`),
  reopen: ({ context, incident, press }) =>
    openDialog(context, press, reopenView(incident, press.asker.channel)),
};

/** Answers a press on an incident's message by `work`. */
export function incidentButton(work: Work): PressWork {
  return async (deps, press) => {
    const { answer, changes } = deps;
    const { actor, asker, signal } = press;
    const incidents = changes?.incidents;
    if (changes === undefined || incidents === undefined) {
      await answer(asker, 'caller', noIncidents);
      return;
    }
    let text: string | undefined;
    let isDialog = false;
    const { message } = await answerInTime(deps, asker, {
      work: async () => {
        const reply = await pressedOn({ deps, changes, actor }, { incidents, press, work });
        isDialog = reply === undefined;
        if (reply !== undefined && !('command' in reply)) return reply;
        text = reply?.command;
        return notice('It is answered elsewhere.');
      },
      doing: 'answering a press',
      name: 'answer to a press',
      otherwise: '/dbconn incidents',
      signal,
    });
    // With a patience of its own, and to whoever pressed alone: the message itself is for all.
    if (text !== undefined) {
      await answerCommand({ ...deps, channel: undefined }, asker, { text, actor, signal });
    } else if (!isDialog) await answer(asker, 'caller', message);
  };
}

interface Pressing {
  readonly incidents: Incidents;
  readonly press: Press;
  readonly work: Work;
}

async function pressedOn(
  context: ActionContext,
  { incidents, press, work }: Pressing,
): ReturnType<Work> {
  const { id, words } = read(press);
  const found = await incidents.get(id);
  if (!found.ok) return refusalMessage(found.refusal);
  const { changes, deps } = context;
  const place = await changes.board?.placeOf(id);
  const isForeign = place !== undefined && place.ts !== press.ts;
  if (isForeign || (place !== undefined && place.channel !== press.asker.channel)) {
    const { asker, actionId } = press;
    deps.log.warn({ action: actionId, ...asker, respond: undefined }, 'A press on a foreign card');
    return notice(foreign);
  }
  return work({ context, incidents, incident: found.value, press, words });
}

/** A button has the id first, an option of the menu last. */
function read({ actionId, value }: Press): { readonly id: string; readonly words: string } {
  const isMenu = actionId === incidentActions.menu;
  const [, first = '', rest = ''] = /^(\S*)\s*([^]*)$/.exec(value) ?? [];
  return isMenu ? { id: rest, words: first } : { id: first, words: rest };
}

const foreign =
  'This button belongs to another incident than its message shows, or to an older message of it, so nothing was done. /dbconn incidents lists what is open.';

async function chosen(pressed: Pressed): ReturnType<Work> {
  const choice = incidentChoices.find((known) => known === pressed.words);
  if (choice === undefined) return notice('There is no such choice any more.');
  return choices[choice](pressed);
}

async function merge({
  context,
  incidents,
  incident,
  press,
}: Pressed): Promise<Message | undefined> {
  const open = await incidents.list();
  if (!open.ok) return refusalMessage(open.refusal);
  const others = open.value.filter(({ id }) => id !== incident.id);
  if (others.length === 0)
    return notice('No other incident is open, so there is none to merge into.');
  return openDialog(context, press, mergeView(incident, press.asker.channel, others));
}

function say(command: string): Promise<FollowingCommand> {
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

function propose(deps: CommandDeps, { asker, actor, signal, value }: Press): Promise<void> {
  return answerCommand(deps, asker, { text: `propose ${value}`, actor, signal });
}

/** Option A with thresholds and an application of one's own. */
async function choose(deps: CommandDeps, press: Press): Promise<void> {
  const { answer, changes, runbook } = deps;
  const { actor, asker, value } = press;
  const target = runbook.targets.find(({ name }) => name === value);
  if (changes === undefined || target === undefined) {
    await answer(asker, 'caller', notice('There is no such target here. Look with /dbconn help.'));
    return;
  }
  const view = idleView(usualIdleRequest(target.limits), { channel: asker.channel, target: value });
  const problem = await openDialog({ deps, changes, actor }, press, view);
  if (problem !== undefined) await answer(asker, 'caller', problem);
}
