import { causeOf, checklist, lifeStartMs, stepId } from '../../runbook/incidents/incident.ts';
import type { Incident, Trigger } from '../../runbook/incidents/incident.ts';
import type { IncidentView } from '../../runbook/incidents/incidents.ts';
import { roleNames } from '../../runbook/incidents/rules.ts';
import type { Escalation, EscalationStep, ReasonName } from '../../runbook/incidents/rules.ts';
import { capital, count, list, toAge } from '../../runbook/snapshot/words.ts';
import { stateWords } from './frame.ts';
import { endedLeaves } from './incident-remedies.ts';
import type { MessageBlock } from './kit/message.ts';
import {
  actorLeaf,
  between,
  bold,
  bullets,
  code,
  mentioning,
  moment,
  paragraph,
  plain,
  quote,
  richText,
  titledList,
  withoutGroups,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { causeTitles } from './status.ts';

/** `🔴 Critical, orders: 94 of 97 usable connections …`, without the mark where nobody sees it. */
export function incidentTitle({ incident, diagnosis }: IncidentView): {
  readonly mark: string;
  readonly line: string;
} {
  const { target, closing, openedAt, last } = incident;
  if (incident.state === 'merged') {
    return { mark: '⚪', line: `Merged, ${target}: part of another incident.` };
  }
  if (incident.state === 'resolved') {
    const lasted = closing === null ? '' : `: lasted ${lastedFor(openedAt, closing.at)}.`;
    return { mark: '✅', line: `Resolved, ${target}${lasted}` };
  }
  const { mark, word } = stateWords[diagnosis?.state ?? last?.state ?? 'unknown'];
  const headline = diagnosis?.headline ?? last?.headline ?? 'not checked yet.';
  return { mark, line: `${word}, ${target}: ${headline}` };
}

function lastedFor(from: string, to: string): string {
  return toAge((Date.parse(to) - Date.parse(from)) / 1000);
}

/** No escalation goes out while it lasts: nobody must overlook that. */
export function silenceNotice({ silence }: Incident): MessageBlock[] {
  if (silence === null) return [];
  const words = rich`${bold('🔕 Silenced, no escalations')} until ${moment(silence.until)}, by ${actorLeaf(silence.by)}`;
  return [richText(paragraph(words), quote(silence.reason))];
}

/** Who owns it, since when it is open and by what, and whether checks and alerts disagree. */
export function ownerLine(view: IncidentView): MessageBlock[] {
  const { assignee, openedAt, reopenedAt, triggers } = view.incident;
  const owner =
    assignee === null
      ? [bold('No owner yet')]
      : rich`${bold('Owner:')} ${actorLeaf(assignee.by)} since ${moment(assignee.at)}`;
  const back = reopenedAt.at(-1);
  const open = [
    ...rich` · Open since ${moment(openedAt)}`,
    ...by(triggers).flatMap((part, index) => [between(index === 0 ? ', by ' : ' and '), ...part]),
    ...(back === undefined ? [] : rich` · Reopened at ${moment(back)}`),
  ];
  return [richText(paragraph([...owner, ...open])), ...disagreement(view)];
}

const mostNames = 5;

/** Each kind of trigger once: `the alerts A and B`, `dbconn’s own checks`, a person. */
function by(triggers: readonly Trigger[]): Leaf[][] {
  const alerts = triggers.flatMap((one) => (one.kind === 'alert' ? [one.name] : []));
  const names = [...new Set(alerts)].slice(0, mostNames);
  const person = triggers.find((one) => one.kind === 'person');
  return [
    ...(names.length === 0
      ? []
      : [[plain(`the ${names.length === 1 ? 'alert' : 'alerts'} ${list(names)}`)]]),
    ...(triggers.some(({ kind }) => kind === 'watch') ? [[plain('dbconn’s own checks')]] : []),
    ...(person === undefined ? [] : [[actorLeaf(person.by)]]),
  ];
}

/** What the alerts say and what the check says need not be the same: a woken person has to know. */
function disagreement({ incident: { triggers, calmSince, last } }: IncidentView): MessageBlock[] {
  const alerts = triggers.filter((one) => one.kind === 'alert');
  const firing = alerts.filter(({ endedAt }) => endedAt === null).map(({ name }) => name);
  if (calmSince === null) {
    if (alerts.length === 0 || firing.length > 0 || last === null) return [];
    const words = 'the alerts are resolved, but the checks are not fine yet.';
    return [richText(paragraph(rich`${bold('Still open:')} ${words}`))];
  }
  const names = [...new Set(firing)].slice(0, mostNames);
  const next =
    firing.length === 0
      ? 'resolves by itself if that lasts.'
      : `stays open while ${list(names)} ${names.length === 1 ? 'fires' : 'fire'}.`;
  return [richText(paragraph(rich`${bold('Checks fine since')} ${moment(calmSince)}: ${next}`))];
}

/** How bad it was. */
export function peakLine({ peak: highest }: Incident): MessageBlock[] {
  return highest === null ? [] : [richText(paragraph(peakLeaves(highest)))];
}

function peakLeaves({ at, used, usable }: NonNullable<Incident['peak']>): Leaf[] {
  return rich`${bold('Peak:')} ${plain(`${used} of ${usable} usable connections at`)} ${moment(at)}`;
}

const mostChanges = 2;

/** Five lines about one that is over: cause, peak, what was done, how it ended, and what is left to do. */
export function endingLines(
  { incident, requests }: IncidentView,
  links: ReadonlyMap<string, string> = new Map(),
): MessageBlock[] {
  const { closing, mergedInto, state, peak } = incident;
  const cause = causeOf(incident);
  const done = requests.filter(({ result }) => result !== null).slice(-mostChanges);
  const lines: Leaf[][] = [
    ...(mergedInto === null ? [] : [rich`${bold('Part of')} ${code(mergedInto)}`]),
    ...(cause === null ? [] : [rich`${bold('Cause:')} ${causeTitles[cause]}`]),
    ...(peak === null ? [] : [peakLeaves(peak)]),
    ...done.map((one) => endedLeaves(one, links.get(one.id))),
    ...(closing === null
      ? []
      : [
          rich`${bold('Ended')} at ${moment(closing.at)}: `.concat(
            withoutGroups(mentioning(closing.sentence)),
          ),
        ]),
    ...(state === 'resolved' ? [aftermath(incident)] : []),
  ];
  const reason = closing?.reason ?? null;
  return [
    ...(lines.length === 0 ? [] : [richText(bullets(lines))]),
    ...(reason === null ? [] : [richText(quote(reason))]),
  ];
}

function aftermath({ assignee, checklist: ticks, reportedAt }: Incident): Leaf[] {
  const done = new Set(ticks.map(({ item }) => item)).size;
  const owner =
    assignee === null ? [bold('No owner')] : rich`${bold('Owner:')} ${actorLeaf(assignee.by)}`;
  const items = `${done} of ${checklist.length} checklist items done`;
  const report = reportedAt === null ? 'the report follows' : 'report in the thread';
  return [...owner, ...rich` · ${items} · ${report}`];
}

const reasonWords: Readonly<Record<ReasonName, string>> = {
  'source-not-identified': 'the source is not identified',
  'persists-after-remedy': 'it persists after a remedy',
  'needs-configuration-change': 'it needs a configuration change',
  'data-integrity': 'data may be affected',
  'several-applications': 'several applications are affected',
};

const mostCalls = 5;

/** Who was notified, and who is next, when and on which condition. The reasons stand in the thread, with each call. */
export function escalationsList(incident: Incident): MessageBlock[] {
  const { escalations, policy } = incident;
  const done = escalations.slice(-mostCalls).map(escalated);
  const known = new Set(escalations.map(({ id }) => id));
  const coming = policy
    .flatMap((step, index) => (known.has(stepId(index, incident)) ? [] : [step]))
    .toSorted((a, b) => a.afterMs - b.afterMs)
    .slice(0, 2)
    .map((step) => next(incident, step));
  return titledList('Escalations', [...done, ...coming]);
}

const viaWords: Readonly<Record<Escalation['via'], string>> = {
  channel: 'in the channel',
  direct: 'by direct message',
  pager: 'by the pager',
};

function escalated({ who, via, state, sentAt, tries }: Escalation): Leaf[] {
  const name = capital(roleNames[who]);
  if (state === 'sent' && sentAt !== null) {
    return rich`${plain(`${name}: notified ${viaWords[via]} at`)} ${moment(sentAt)}`;
  }
  if (state === 'failed') {
    return rich`${plain(`${name}:`)} ${bold('not reached')} ${plain(`${viaWords[via]}, ${count(tries, 'try', 'tries')}`)}`;
  }
  return [plain(`${name}: being notified ${viaWords[via]}`)];
}

function next(incident: Incident, step: EscalationStep): Leaf[] {
  const { severity, silence } = incident;
  const { who, afterMs, when, unlessAssigned } = step;
  const at = new Date(lifeStartMs(incident) + afterMs).toISOString();
  const [reason] = when.map((name) => reasonWords[name]);
  const others = when.length < 2 ? '' : `, or for ${count(when.length - 1, 'other reason')}`;
  const conditions = [
    // The age of one that is not critical notifies nobody.
    ...(when.length === 0 && severity !== 'critical' ? ['Only if it is critical.'] : []),
    ...(reason === undefined ? [] : [`Only if ${reason}${others}.`]),
    ...(unlessAssigned ? ['Not if it has an owner.'] : []),
    ...(silence === null ? [] : ['Not while silenced.']),
  ];
  return rich`${plain(`Next: ${roleNames[who]} at`)} ${moment(at)}. ${between(conditions.join(' '))}`;
}
