import type { Actor } from '../../runbook/approvals/request.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
import { EscalationRole } from '../../runbook/incidents/rules.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { parseDuration } from '../../timing.ts';
import { incidentFields } from '../messages/incident-dialogs.ts';
import { callbackIds } from '../messages/kit/action-ids.ts';
import type { CallbackId } from '../messages/kit/action-ids.ts';
import type { Message } from '../messages/kit/message.ts';
import type { DialogMemory } from '../messages/kit/modal.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { readIdleView, reasonField } from '../messages/request-dialogs.ts';
import { proposeRemedy, voteMessage } from './change-commands.ts';
import type { RemedyInput } from './change-commands.ts';
import type { ActionContext } from './deps.ts';
import { incidentAnswer, incidentDone, noIncidents } from './incident-commands.ts';
import { isProposer } from './request-buttons.ts';
import type { ReadDialog, Submitted } from './submit.ts';

const { incidentSilence, incidentMerge, incidentClose, incidentReopen, incidentHelp } = callbackIds;

type IncidentCallback =
  | typeof incidentSilence
  | typeof incidentMerge
  | typeof incidentClose
  | typeof incidentReopen
  | typeof incidentHelp;

/** The dialogs about an incident. Whoever submits is judged anew, as if they had pressed a button. */
const incidentDialogs: Readonly<Record<IncidentCallback, ReadDialog>> = {
  [incidentSilence]: ({ incident = '' }, filled) => {
    const forMs = parseDuration(filled[incidentFields.for] ?? '');
    const reason = filled[incidentFields.reason] ?? '';
    if (forMs === undefined) {
      return { errors: { [incidentFields.for]: 'A duration, such as 30m, 2h or 1d.' } };
    }
    if (reason === '') return reasonMissing;
    return decided(
      (incidents, actor) => incidents.silence(incident, actor, { forMs, reason }),
      incidentDone.silence,
    );
  },
  [incidentMerge]: ({ incident = '' }, filled) =>
    decided(
      (incidents, actor) => incidents.merge(incident, filled[incidentFields.into] ?? '', actor),
      incidentDone.merge,
    ),
  [incidentClose]: ({ incident = '' }, filled) =>
    withReason(filled[incidentFields.reason], (reason) =>
      decided((incidents, actor) => incidents.resolve(incident, actor, reason), incidentDone.close),
    ),
  [incidentReopen]: ({ incident = '' }, filled) =>
    withReason(filled[incidentFields.reason], (reason) =>
      decided((incidents, actor) => incidents.reopen(incident, actor, reason), incidentDone.reopen),
    ),
  [incidentHelp]: ({ incident = '' }, filled) =>
    withReason(filled[incidentFields.reason], (reason) => {
      const { data: role } = EscalationRole.safeParse(filled[incidentFields.who]);
      if (role === undefined) return { errors: { [incidentFields.who]: 'Choose whom to call.' } };
      return decided(
        (incidents, actor) => incidents.escalate(incident, actor, { role, reason }),
        incidentDone.help,
      );
    }),
};

const reasonMissing: Submitted = {
  errors: { [incidentFields.reason]: 'Write why: the others read it.' },
};

function withReason(reason: string | undefined, then: (reason: string) => Submitted): Submitted {
  return reason === undefined || reason === '' ? reasonMissing : then(reason);
}

function decided(
  decide: (incidents: Incidents, actor: Actor) => Promise<Answer<Incident>>,
  sentence: (incident: Incident) => string,
): Submitted {
  return {
    work: async ({ changes, actor }) => {
      const { incidents } = changes;
      if (incidents === undefined) return noIncidents;
      return incidentAnswer(await decide(incidents, actor), sentence);
    },
  };
}

/** The dialogs that can be submitted. Whoever submits is judged anew by the door, as if they had pressed a button. */
export const dialogs: Readonly<Record<CallbackId, ReadDialog>> = {
  [callbackIds.idle]: (memory, filled) => {
    const read = readIdleView(filled);
    if ('errors' in read) return read;
    return { work: (context) => proposeIdle(context, memory, read.ask) };
  },
  [callbackIds.approve]: ({ request = '' }, filled) => {
    const reason = filled[reasonField] ?? '';
    if (reason === '') return { errors: { [reasonField]: 'This option asks for a reason.' } };
    return {
      work: async ({ changes, actor }) =>
        voteMessage(await changes.approvals.approve(request, actor, reason)),
    };
  },
  [callbackIds.deny]: ({ request = '' }, filled) => ({
    work: (context) => deny(context, request, filled[reasonField] ?? ''),
  }),
  ...incidentDialogs,
};

async function deny(
  { changes, actor }: ActionContext,
  id: string,
  reason: string,
): Promise<Message> {
  const { approvals } = changes;
  const found = await approvals.get(id);
  const isOwn = found.ok && isProposer(found.value, actor);
  return voteMessage(
    await (isOwn ? approvals.withdraw(id, actor, reason) : approvals.deny(id, actor, reason)),
  );
}

/** Proposed anew with what was chosen; a proposal of one's own that it replaces is withdrawn. */
async function proposeIdle(
  context: ActionContext,
  { request: id, target }: DialogMemory,
  ask: RemedyInput['ask'],
): Promise<Message> {
  const { changes, actor } = context;
  if (id === undefined) {
    const isKnown = context.deps.runbook.targets.some(({ name }) => name === target);
    if (target === undefined || !isKnown) return notice('There is no such target any more.');
    return proposeRemedy(context, { target, ask });
  }
  const found = await changes.approvals.get(id);
  if (!found.ok) return refusalMessage(found.refusal);
  const before = found.value;
  const reply = await proposeRemedy(context, { target: before.target, ask, supersedes: id });
  const open = await changes.approvals.list();
  const isReplaced = open.ok && open.value.some(({ supersedes }) => supersedes === id);
  if (isReplaced && before.state === 'proposed' && isProposer(before, actor)) {
    await changes.approvals.withdraw(id, actor, 'Proposed anew with other thresholds.');
  }
  return reply;
}
