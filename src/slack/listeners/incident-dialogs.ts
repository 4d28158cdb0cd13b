import { EscalationRole } from '../../runbook/escalate/policy.ts';
import type { Incident } from '../../runbook/incident/incident.ts';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
import { parseDuration } from '../../runbook/remedies/parse-duration.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import type { Actor } from '../../runbook/approval/actor.ts';
import { callbackIds } from '../messages/kit/action-ids.ts';
import { incidentFields } from '../messages/incident-dialogs.ts';
import { incidentAnswer, incidentDone, noIncidents } from './incident-answers.ts';
import type { ReadDialog, Submitted } from './submitted.ts';

const { incidentSilence, incidentMerge, incidentClose, incidentReopen, incidentHelp } = callbackIds;

type IncidentCallback =
  | typeof incidentSilence
  | typeof incidentMerge
  | typeof incidentClose
  | typeof incidentReopen
  | typeof incidentHelp;

/** The dialogs about an incident. Whoever submits is judged anew, as if they had pressed a button. */
export const incidentDialogs: Readonly<Record<IncidentCallback, ReadDialog>> = {
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
