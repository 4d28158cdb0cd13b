import { EscalationRole } from '../../runbook/incidents/rules.ts';
import { parseDuration } from '../../timing.ts';
import { incidentFields } from '../messages/incident-dialogs.ts';
import { callbackIds } from '../messages/kit/action-ids.ts';
import type { CallbackId } from '../messages/kit/action-ids.ts';
import type { Message } from '../messages/kit/message.ts';
import { reasonId } from '../messages/kit/modal.ts';
import type { DialogMemory, Filled } from '../messages/kit/modal.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { readIdleView } from '../messages/request-dialogs.ts';
import { proposeRemedy, voteMessage } from './change-commands.ts';
import type { RemedyInput } from './change-commands.ts';
import type { Interaction } from './deps.ts';
import { decide } from './incident-commands.ts';
import { isProposer } from './request-buttons.ts';
import type { ReadDialog, Submitted } from './submit.ts';

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
export const dialogs: Readonly<Record<CallbackId, ReadDialog>> = {
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
