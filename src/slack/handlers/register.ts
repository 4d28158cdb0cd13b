import type { AllMiddlewareArgs, App, SlackActionMiddlewareArgs } from '@slack/bolt';
import { EscalationRole } from '../../runbook/incidents/rules.ts';
import { parseDuration } from '../../timing.ts';
import { incidentFields } from '../messages/incident-dialogs.ts';
import { answeredActions, callbackIds, checklistAction } from '../messages/kit/action-ids.ts';
import type { CallbackId } from '../messages/kit/action-ids.ts';
import type { Message } from '../messages/kit/message.ts';
import { reasonId } from '../messages/kit/modal.ts';
import type { DialogMemory, Filled } from '../messages/kit/modal.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { readIdleView } from '../messages/request-dialogs.ts';
import { proposeRemedy, voteMessage } from './change-commands.ts';
import type { RemedyInput } from './change-commands.ts';
import { dbconnCommand } from './command.ts';
import type { CommandDeps, Interaction } from './deps.ts';
import {
  checklistTick,
  incidentButton,
  incidentButtons,
  statusButtons,
} from './incident-buttons.ts';
import { decide } from './incident-commands.ts';
import { onPress } from './press.ts';
import type { PressAction } from './press.ts';
import { isProposer, requestButton, requestButtons } from './request-buttons.ts';
import { onSubmit, unknownDialog } from './submit.ts';
import type { ReadDialog, Submitted } from './submit.ts';

type Args = SlackActionMiddlewareArgs & AllMiddlewareArgs;

const stale =
  'This button belongs to an older dbconn and does nothing any more. Ask again with /dbconn status.';

/**
 * Old messages keep their buttons when dbconn changes. A press on one is answered instead of
 * showing Slack's warning triangle.
 */
function unknownAction({ answer, log }: CommandDeps): (args: Args) => Promise<void> {
  return async ({ ack, body, payload, respond }) => {
    // Bolt calls every listener that matches, this one included.
    if ('action_id' in payload && answeredActions.has(payload.action_id)) return;
    await ack();
    const id = 'action_id' in payload ? payload.action_id.slice(0, 60) : body.type;
    log.warn({ action: id }, 'A button nobody answers was pressed');
    const channel = 'channel' in body ? body.channel?.id : undefined;
    if (channel === undefined) return;
    await answer({ channel, user: body.user.id, respond }, 'caller', notice(stale));
  };
}

/** Everything Slack can call in dbconn. Each id of action-ids.ts has its entry in one of the four tables. */
export function registerListeners(app: App, deps: CommandDeps): void {
  const { log } = deps;
  app.command('/dbconn', dbconnCommand(deps));
  for (const [id, work] of Object.entries(requestButtons)) {
    app.action<PressAction>(id, onPress(deps, requestButton(work)));
  }
  for (const [id, work] of Object.entries(statusButtons)) {
    app.action<PressAction>(id, onPress(deps, work));
  }
  for (const [id, work] of Object.entries(incidentButtons)) {
    app.action<PressAction>(id, onPress(deps, incidentButton(work)));
  }
  app.action<PressAction>(checklistAction, onPress(deps, checklistTick));
  for (const [id, read] of Object.entries(dialogs)) app.view(id, onSubmit(deps, read));
  app.action(/[^]*/, unknownAction(deps));
  app.view(/[^]*/, unknownDialog(log));
  // Listeners answer their own failures; what arrives here is a fault that nobody can be told about.
  app.error(async (error) => {
    log.error({ err: error }, 'A listener failed');
    return Promise.resolve();
  });
}

const { incidentSilence, incidentMerge, incidentClose, incidentReopen, incidentHelp } = callbackIds;

type IncidentCallback =
  | typeof incidentSilence
  | typeof incidentMerge
  | typeof incidentClose
  | typeof incidentReopen
  | typeof incidentHelp;

/** The dialogs about an incident. The person who submits is judged again, as if they had pressed a button. */
const incidentDialogs: Readonly<Record<IncidentCallback, ReadDialog>> = {
  [incidentSilence]: ({ incident = '' }, filled) => {
    const forMs = parseDuration(filled[incidentFields.for] ?? '');
    if (forMs === undefined) {
      return { errors: { [incidentFields.for]: 'A duration, such as 30m, 2h or 1d.' } };
    }
    return withReason(filled, (reason) => ({
      work: (on) => decide.silence(on, incident, { forMs, reason }),
    }));
  },
  [incidentMerge]: ({ incident = '' }, filled) => ({
    work: (on) => decide.merge(on, incident, filled[incidentFields.into] ?? ''),
  }),
  [incidentClose]: ({ incident = '' }, filled) =>
    withReason(filled, (reason) => ({ work: (on) => decide.close(on, incident, reason) })),
  [incidentReopen]: ({ incident = '' }, filled) =>
    withReason(filled, (reason) => ({ work: (on) => decide.reopen(on, incident, reason) })),
  [incidentHelp]: ({ incident = '' }, filled) =>
    withReason(filled, (reason) => {
      const { data: role } = EscalationRole.safeParse(filled[incidentFields.who]);
      if (role === undefined) return { errors: { [incidentFields.who]: 'Choose who to notify.' } };
      return { work: (on) => decide.help(on, incident, { role, reason }) };
    }),
};

function withReason(filled: Filled, then: (reason: string) => Submitted): Submitted {
  const { [incidentFields.reason]: reason = '' } = filled;
  if (reason !== '') return then(reason);
  return { errors: { [incidentFields.reason]: 'Enter a reason: others will read it.' } };
}

/** The dialogs that can be submitted. The person who submits is judged again, as if they had pressed a button. */
const dialogs: Readonly<Record<CallbackId, ReadDialog>> = {
  [callbackIds.idle]: (memory, filled) => {
    const read = readIdleView(filled);
    if ('errors' in read) return read;
    return { work: (on) => proposeIdle(on, memory, read.ask) };
  },
  [callbackIds.approve]: ({ request = '' }, filled) => {
    const reason = filled[reasonId] ?? '';
    if (reason === '') return { errors: { [reasonId]: 'This option needs a reason.' } };
    return {
      work: async ({ approvals, actor }) =>
        voteMessage(await approvals.approve(request, actor, reason)),
    };
  },
  [callbackIds.deny]: ({ request = '' }, filled) => ({
    work: (on) => deny(on, request, filled[reasonId] ?? ''),
  }),
  ...incidentDialogs,
};

async function deny(
  { approvals, actor }: Interaction,
  id: string,
  reason: string,
): Promise<Message> {
  const found = await approvals.get(id);
  const isOwn = found.ok && isProposer(found.value, actor);
  return voteMessage(
    await (isOwn ? approvals.withdraw(id, actor, reason) : approvals.deny(id, actor, reason)),
  );
}

/** Proposed again with what was chosen; a proposal of one's own that it replaces is withdrawn. */
async function proposeIdle(
  on: Interaction,
  { request: id, target }: DialogMemory,
  ask: RemedyInput['ask'],
): Promise<Message> {
  const { approvals, actor, monitor } = on;
  if (id === undefined) {
    const isKnown = monitor.targets.some(({ name }) => name === target);
    if (target === undefined || !isKnown) return notice('That target no longer exists.');
    return proposeRemedy(on, { target, ask });
  }
  const found = await approvals.get(id);
  if (!found.ok) return refusalMessage(found.refusal);
  const before = found.value;
  const reply = await proposeRemedy(on, { target: before.target, ask, supersedes: id });
  const open = await approvals.list();
  const isReplaced = open.ok && open.value.some(({ supersedes }) => supersedes === id);
  if (isReplaced && before.state === 'proposed' && isProposer(before, actor)) {
    await approvals.withdraw(id, actor, 'Proposed again with other thresholds.');
  }
  return reply;
}
