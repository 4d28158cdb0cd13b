import type { KnownBlock, ModalView } from '@slack/types';
import type { Incident } from '../../runbook/incidents/incident.ts';
import { escalationRoles, roleNames } from '../../runbook/incidents/rules.ts';
import { capital } from '../../runbook/snapshot/words.ts';
import { callbackIds } from './kit/action-ids.ts';
import { choiceField, formView, reasonField, reasonId, textField } from './kit/modal.ts';
import type { Form } from './kit/modal.ts';
import { bold, paragraph, richText } from './kit/rich-text.ts';

export const incidentFields = {
  reason: reasonId,
  for: 'for',
  into: 'into',
  who: 'who',
} as const;

type Kind = Pick<Form, 'callbackId' | 'title' | 'submit'>;

/** No escalations for a while; it asks for how long and why. */
export function silenceView(incident: Incident, channel: string): ModalView {
  return about(
    { callbackId: callbackIds.incidentSilence, title: 'Silence incident', submit: 'Silence' },
    { incident, channel },
    [
      textField({
        id: incidentFields.for,
        label: 'For how long',
        hint: 'Such as 30m, 2h or 1d; at most a week.',
        initial: '2h',
        optional: false,
        max: 12,
      }),
      reasonField('Why no escalation is needed'),
    ],
  );
}

/** It becomes a part of another open one. */
export function mergeView(
  incident: Incident,
  channel: string,
  others: readonly Incident[],
): ModalView {
  const choices = others.map(({ id, target }) => ({ value: id, text: `${target} (${id})` }));
  return about(
    { callbackId: callbackIds.incidentMerge, title: 'Merge incident', submit: 'Merge' },
    { incident, channel },
    [
      choiceField({
        id: incidentFields.into,
        label: 'Into which open incident',
        hint: 'Work continues there. This incident sends no more escalations.',
        choices,
      }),
    ],
  );
}

export function closeView(incident: Incident, channel: string): ModalView {
  return about(
    { callbackId: callbackIds.incidentClose, title: 'Close incident', submit: 'Close' },
    { incident, channel },
    [reasonField('Why it is resolved')],
  );
}

export function reopenView(incident: Incident, channel: string): ModalView {
  return about(
    { callbackId: callbackIds.incidentReopen, title: 'Reopen incident', submit: 'Reopen' },
    { incident, channel },
    [reasonField('Why it is not resolved')],
  );
}

/** Notifies one of the runbook's contacts by hand. */
export function helpView(incident: Incident, channel: string): ModalView {
  const choices = escalationRoles.map((role) => ({ value: role, text: capital(roleNames[role]) }));
  return about(
    { callbackId: callbackIds.incidentHelp, title: 'Escalate incident', submit: 'Escalate' },
    { incident, channel },
    [
      choiceField({ id: incidentFields.who, label: 'To whom', choices }),
      reasonField('What you need'),
    ],
  );
}

function about(
  kind: Kind,
  { incident, channel }: { readonly incident: Incident; readonly channel: string },
  blocks: readonly KnownBlock[],
): ModalView {
  const title = richText(paragraph([bold(`Incident of ${incident.target}`)]));
  return formView({
    ...kind,
    memory: { channel, incident: incident.id },
    blocks: [title, ...blocks],
  });
}
