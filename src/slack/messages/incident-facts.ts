import { lifeStartMs, stepId } from '../../runbook/incidents/incident.ts';
import type { Incident, Trigger } from '../../runbook/incidents/incident.ts';
import type { IncidentView } from '../../runbook/incidents/incidents.ts';
import type { Escalation, EscalationStep, ReasonName } from '../../runbook/incidents/rules.ts';
import { list, toAge } from '../../runbook/snapshot/words.ts';
import { stateWords } from './frame.ts';
import type { MessageBlock } from './kit/message.ts';
import {
  actorLeaf,
  between,
  bold,
  code,
  moment,
  paragraph,
  plain,
  quote,
  richText,
  titledList,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';

/** `🔴 Critical, orders: 94 of 97 usable connections …`, without the mark where nobody sees it. */
export function incidentTitle({ incident, diagnosis }: IncidentView): {
  readonly mark: string;
  readonly line: string;
} {
  const { target, closing, openedAt, last } = incident;
  if (incident.state === 'merged') {
    return { mark: '⚪', line: `Merged, ${target}: it is a part of another incident.` };
  }
  if (incident.state === 'resolved') {
    const lasted = closing === null ? '' : ` after ${lastedFor(openedAt, closing.at)}`;
    return { mark: '✅', line: `Resolved, ${target}: over${lasted}.` };
  }
  const { mark, word } = stateWords[diagnosis?.state ?? last?.state ?? 'unknown'];
  const headline = diagnosis?.headline ?? last?.headline ?? 'not looked at yet.';
  return { mark, line: `${word}, ${target}: ${headline}` };
}

function lastedFor(from: string, to: string): string {
  return toAge((Date.parse(to) - Date.parse(from)) / 1000);
}

/** Nobody is called while it stands: nobody must overlook that. */
export function silenceNotice({ silence }: Incident): MessageBlock[] {
  if (silence === null) return [];
  const words = rich`${bold('🔕 Silenced: nobody is called')} until ${moment(silence.until)}, by ${actorLeaf(silence.by)}`;
  return [richText(paragraph(words), quote(silence.reason))];
}

/** Since when, who has it, what says so, and how bad it was. */
export function incidentState(view: IncidentView): MessageBlock[] {
  const { incident } = view;
  const { openedAt, severity, triggers, reopenedAt, state } = incident;
  const back = reopenedAt.at(-1);
  const points: Leaf[][] = [
    [
      ...rich`${bold('Since')} ${moment(openedAt)}${plain(`, ${severity}`)}`,
      ...by(triggers).flatMap((part, index) => [between(index === 0 ? ', ' : ' and '), ...part]),
    ],
    ...(back === undefined ? [] : [rich`${bold('Came back at')} ${moment(back)}`]),
    holder(incident),
    ...(state === 'open' ? disagreement(view) : []),
    ...peak(incident),
  ];
  return titledList('Where it stands', points);
}

function holder({ assignee, state }: Incident): Leaf[] {
  if (assignee === null) {
    return [
      bold(state === 'open' ? 'Nobody has it yet' : 'Nobody had it'),
      ...(state === 'open' ? rich`: ${plain('press “I have it” if you take it.')}` : []),
    ];
  }
  return rich`${actorLeaf(assignee.by)} ${bold(state === 'open' ? 'has it' : 'had it')} since ${moment(assignee.at)}`;
}

const mostNames = 5;

/** Each kind of trigger once: `the alerts A and B`, `dbconn’s own watch`, a person. */
function by(triggers: readonly Trigger[]): Leaf[][] {
  const alerts = triggers.flatMap((one) => (one.kind === 'alert' ? [one.name] : []));
  const names = [...new Set(alerts)].slice(0, mostNames);
  const person = triggers.find((one) => one.kind === 'person');
  return [
    ...(names.length === 0
      ? []
      : [[plain(`by the ${names.length === 1 ? 'alert' : 'alerts'} ${list(names)}`)]]),
    ...(triggers.some(({ kind }) => kind === 'watch') ? [[plain('by dbconn’s own watch')]] : []),
    ...(person === undefined ? [] : [rich`${plain('by')} ${actorLeaf(person.by)}`]),
  ];
}

/** What the alerts say and what the look says need not be the same; whoever is woken must be told. */
function disagreement({ incident: { triggers, calmSince, last } }: IncidentView): Leaf[][] {
  const alerts = triggers.filter((one) => one.kind === 'alert');
  const firing = alerts.filter(({ endedAt }) => endedAt === null).map(({ name }) => name);
  if (calmSince === null) {
    if (alerts.length === 0 || firing.length > 0 || last === null) return [];
    const words = 'the alerts have ended, and the looks do not agree. It stays open.';
    return [rich`${bold('Not over:')} ${words}`];
  }
  const names = [...new Set(firing)].slice(0, mostNames);
  const next =
    firing.length === 0
      ? 'it is over when that lasts.'
      : `${list(names)} still ${names.length === 1 ? 'fires' : 'fire'}, so it stays open until Alertmanager agrees.`;
  return [rich`${bold('Calm since')} ${moment(calmSince)}: ${next}`];
}

function peak({ peak: highest }: Incident): Leaf[][] {
  if (highest === null) return [];
  const words = plain(`${highest.used} of ${highest.usable} usable connections at`);
  return [rich`${bold('Worst:')} ${words} ${moment(highest.at)}`];
}

const reasonWords: Readonly<Record<ReasonName, string>> = {
  'source-not-identified': 'the source is not identified',
  'persists-after-remedy': 'it persists after a remedy',
  'needs-configuration-change': 'it needs a configuration change',
  'data-integrity': 'data may be affected',
  'several-applications': 'several applications are affected',
};

const mostCalls = 5;

/** Who was called, and who will be, when and on which condition. */
export function callsList(incident: Incident): MessageBlock[] {
  const { escalations, policy } = incident;
  const done = escalations.slice(-mostCalls).map(called);
  const known = new Set(escalations.map(({ id }) => id));
  const coming = policy
    .flatMap((step, index) => (known.has(stepId(index, incident)) ? [] : [step]))
    .toSorted((a, b) => a.afterMs - b.afterMs)
    .slice(0, 2)
    .map((step) => next(incident, step));
  return titledList('Calls for help', [...done, ...coming]);
}

const viaWords: Readonly<Record<Escalation['via'], string>> = {
  channel: 'in the channel',
  direct: 'by direct message',
  pager: 'by the pager',
};

function called({ who, via, state, sentAt, tries, reasons }: Escalation): Leaf[] {
  const why = reasons.length === 0 ? '' : `: ${list(reasons.map(({ name }) => reasonWords[name]))}`;
  const name = rich`${code(who)} `;
  if (state === 'sent' && sentAt !== null) {
    const words = plain(`called ${viaWords[via]} at`);
    return [...name, ...rich`${words} ${moment(sentAt)}`, ...(why === '' ? [] : [plain(why)])];
  }
  if (state === 'failed') {
    const times = tries === 1 ? 'once' : `${tries} times`;
    return [...name, bold('not reached'), plain(` ${viaWords[via]}, tried ${times}${why}`)];
  }
  return [...name, plain(`is being called ${viaWords[via]}${why}`)];
}

function next(incident: Incident, step: EscalationStep): Leaf[] {
  const { severity, silence } = incident;
  const { who, afterMs, when, unlessAssigned } = step;
  const at = new Date(lifeStartMs(incident) + afterMs).toISOString();
  const conditions = [
    // The age of one that is not critical calls nobody.
    ...(when.length === 0 && severity !== 'critical' ? ['if it is critical'] : []),
    ...(when.length === 0 ? [] : [`if ${when.map((name) => reasonWords[name]).join(', or ')}`]),
    ...(unlessAssigned ? ['unless somebody has it'] : []),
    ...(silence === null ? [] : ['not while it is silenced']),
  ];
  const words = conditions.length === 0 ? '' : `, ${conditions.join(', ')}`;
  return [
    ...rich`${plain('next:')} ${code(who)} at ${moment(at)}`,
    ...(words === '' ? [] : [plain(words)]),
  ];
}
