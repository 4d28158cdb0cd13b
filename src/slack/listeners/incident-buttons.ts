import type { Incident } from '../../runbook/incident/incident.ts';
import type { Incidents } from '../../runbook/incident/incidents.ts';
import { incidentActions, incidentChoices } from '../action-ids.ts';
import type { IncidentActionId, IncidentChoice } from '../action-ids.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { refusalMessage } from '../messages/refusal.ts';
import {
  closeView,
  helpView,
  mergeView,
  reopenView,
  silenceView,
} from '../views/incident-views.ts';
import type { Acting } from './acting.ts';
import { answerCommand } from './dbconn-command.ts';
import { incidentAnswer, incidentDone, noIncidents } from './incident-answers.ts';
import { openDialog } from './open-dialog.ts';
import { patiently } from './patiently.ts';
import type { Press, PressWork } from './press.ts';

interface Pressed {
  readonly acting: Acting;
  readonly incidents: Incidents;
  readonly incident: Incident;
  readonly press: Press;
  /** What stands in the button or option beside the incident's id. */
  readonly words: string;
}

/** Words that are answered as if they had been typed. */
interface Typed {
  readonly typed: string;
}

/** A press on an incident's message; undefined where a dialog is the answer. */
type Work = (pressed: Pressed) => Promise<Message | Typed | undefined>;

/** The buttons of an incident. Who pressed is what Slack says; whether it counts is the runbook's to say. */
export const incidentButtons: Readonly<Record<IncidentActionId, Work>> = {
  [incidentActions.have]: async ({ incidents, incident, acting }) =>
    incidentAnswer(await incidents.assign(incident.id, acting.actor), incidentDone.have),
  [incidentActions.remedy]: ({ words }) => say(`propose ${words}`),
  [incidentActions.help]: ({ acting, incident, press }) =>
    openDialog(acting, press, helpView(incident, press.asker.channel)),
  [incidentActions.menu]: chosen,
};

const choices: Readonly<Record<IncidentChoice, Work>> = {
  status: ({ incident }) => say(`status ${incident.target}`),
  silence: ({ acting, incident, press }) =>
    openDialog(acting, press, silenceView(incident, press.asker.channel)),
  unsilence: async ({ incidents, incident, acting }) =>
    incidentAnswer(await incidents.unsilence(incident.id, acting.actor), incidentDone.unsilence),
  merge,
  close: ({ acting, incident, press }) =>
    openDialog(acting, press, closeView(incident, press.asker.channel)),
  report: ({ incident }) => say(`report ${incident.id}`),
  reopen: ({ acting, incident, press }) =>
    openDialog(acting, press, reopenView(incident, press.asker.channel)),
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
    const { message } = await patiently(deps, asker, {
      work: async () => {
        const said = await pressedOn({ deps, changes, actor }, { incidents, press, work });
        isDialog = said === undefined;
        if (said !== undefined && !('typed' in said)) return said;
        text = said?.typed;
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

async function pressedOn(acting: Acting, { incidents, press, work }: Pressing): ReturnType<Work> {
  const { id, words } = read(press);
  const found = await incidents.get(id);
  if (!found.ok) return refusalMessage(found.refusal);
  const { changes, deps } = acting;
  const place = await changes.board?.placeOf(id);
  const isForeign = place !== undefined && place.ts !== press.ts;
  if (isForeign || (place !== undefined && place.channel !== press.asker.channel)) {
    const { asker, actionId } = press;
    deps.log.warn({ action: actionId, ...asker, respond: undefined }, 'A press on a foreign card');
    return notice(foreign);
  }
  return work({ acting, incidents, incident: found.value, press, words });
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
  acting,
  incidents,
  incident,
  press,
}: Pressed): Promise<Message | undefined> {
  const open = await incidents.list();
  if (!open.ok) return refusalMessage(open.refusal);
  const others = open.value.filter(({ id }) => id !== incident.id);
  if (others.length === 0)
    return notice('No other incident is open, so there is none to merge into.');
  return openDialog(acting, press, mergeView(incident, press.asker.channel, others));
}

function say(typed: string): Promise<Typed> {
  return Promise.resolve({ typed });
}
