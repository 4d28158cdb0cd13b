import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { isOpen } from '../../runbook/approvals/request.ts';
import type { Diagnosis, Proposal } from '../../runbook/diagnose/diagnosis.ts';
import { causeOf, checklist } from '../../runbook/incidents/incident.ts';
import type { IncidentView } from '../../runbook/incidents/incidents.ts';
import type { Ineffective } from '../../runbook/incidents/ineffective-remedies.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import { count } from '../../runbook/snapshot/words.ts';
import { proposalLeaves } from './diagnosis-parts.ts';
import type { MessageBlock } from './kit/message.ts';
import {
  between,
  bold,
  code,
  link,
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
import { whereItStands } from './request-status.ts';
import { causeTitles } from './status.ts';

/** Who may open how many connections against how many there are: the reason it happens again. */
export function ledgerLine({ budget }: Diagnosis): MessageBlock[] {
  const { lines, usable, others, mayOpen, canExhaust } = budget;
  if (canExhaust !== true || usable === null || mayOpen === null) return [];
  const told = lines
    .filter((line) => line.mayOpen !== null)
    .slice(0, 4)
    .map(({ service, mayOpen: most }) => `${service} ${most ?? ''}`);
  const rest = others === null || others === 0 ? [] : [`others ${others}`];
  const words = `together they may open ${mayOpen} of ${usable} usable connections (${[...told, ...rest].join(', ')}).`;
  return [richText(paragraph(rich`${bold('Pools:')} ${words}`))];
}

export const mostRequests = 8;

/** What was tried, what runs and what waits for votes, the newest last. */
export function requestsList(
  { incident, requests }: IncidentView,
  links: ReadonlyMap<string, string> = new Map(),
): MessageBlock[] {
  const shown = requests.slice(-mostRequests);
  const more = requests.length - shown.length;
  const earlier = more === 0 ? [] : [[plain(`${count(more, 'request')} before these`)]];
  const title = incident.state === 'open' ? 'Tried and waiting' : 'Tried';
  return titledList(title, [
    ...earlier,
    ...shown.map((one) => requestLine(one, links.get(one.id))),
  ]);
}

function requestLine(request: ApprovalRequest, url: string | undefined): Leaf[] {
  const { mark, word } = whereItStands(request);
  const { id, option, plan, result, proposedAt } = request;
  const outcome = result?.outcome?.sentence;
  return [
    between(`${mark} `),
    ...rich`${bold(`${word}:`)} ${plain(`${nameOf(option)}, ${plan.title}`)}`,
    ...(outcome === undefined ? [] : rich`. ${outcome}`),
    ...(isOpen(request) ? rich`, ${plain('proposed at')} ` : []),
    ...(isOpen(request) ? [moment(proposedAt)] : []),
    ...rich` ${url === undefined ? code(id) : link(`request ${id}`, url)}`,
  ];
}

/** The proposals that may still help, first the one whose button stands below; then what will not, and why. */
export function remediesList({ incident, diagnosis, ineffective }: IncidentView): MessageBlock[] {
  // Nothing needs to be tried any more; how it does not happen again is for the report.
  if (incident.calmSince !== null) return [];
  const proposals = (diagnosis?.proposals ?? []).filter((one) => !isIneffective(one, ineffective));
  return [
    ...titledList('What would help', proposals.map(proposalLeaves), 'ordered'),
    ...titledList(
      'Withdrawn: it did not help',
      ineffective.map(({ sentence }) => [plain(sentence)]),
    ),
  ];
}

/** A remedy tried for everything is ineffective for each part; one tried for a part, for that part alone. */
export function isIneffective(
  { option, subject }: Pick<Proposal, 'option' | 'subject'>,
  ineffective: readonly Ineffective[],
): boolean {
  return ineffective.some(
    (one) => one.option === option && (one.subject === null || one.subject === subject),
  );
}

/** What waits for votes or runs already need not be proposed again. */
export function isUnderWay(
  { option, subject }: Pick<Proposal, 'option' | 'subject'>,
  requests: readonly ApprovalRequest[],
): boolean {
  return requests
    .filter(isOpen)
    .some(
      (one) => one.option === option && (one.plan.subject === null || one.plan.subject === subject),
    );
}

/** How an incident that is over ended, what it was, and what is left to do. */
export function endingList({ incident }: IncidentView): MessageBlock[] {
  const { closing, checklist: ticks, reportedAt, mergedInto, state } = incident;
  const cause = causeOf(incident);
  const done = new Set(ticks.map(({ item }) => item)).size;
  const points: Leaf[][] = [
    ...(closing === null
      ? []
      : [
          [
            ...rich`${bold('Ended at')} ${moment(closing.at)}: `,
            ...withoutGroups(mentioning(closing.sentence)),
          ],
        ]),
    ...(mergedInto === null ? [] : [rich`${bold('Part of')} ${code(mergedInto)}`]),
    ...(cause === null ? [] : [rich`${bold('Cause:')} ${causeTitles[cause]}`]),
    ...(state === 'resolved'
      ? [
          rich`${bold('Afterwards:')} ${plain(`${done} of ${checklist.length} checklist items done`)}${plain(reportedAt === null ? '; the report follows.' : '; the report is in the thread.')}`,
        ]
      : []),
  ];
  const reason = closing?.reason ?? null;
  return [
    ...titledList(state === 'merged' ? 'Where it goes on' : 'How it ended', points),
    ...(reason === null ? [] : [richText(quote(reason))]),
  ];
}
