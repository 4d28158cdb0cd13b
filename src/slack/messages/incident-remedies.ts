import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import { isOpen } from '../../runbook/approvals/request.ts';
import type { Diagnosis, Proposal } from '../../runbook/diagnose/diagnosis.ts';
import type { IncidentView } from '../../runbook/incidents/incidents.ts';
import type { Ineffective } from '../../runbook/incidents/ineffective-remedies.ts';
import { count } from '../../runbook/snapshot/words.ts';
import { proposalLeaves } from './diagnosis-parts.ts';
import type { MessageBlock } from './kit/message.ts';
import {
  between,
  bold,
  bullets,
  code,
  link,
  paragraph,
  plain,
  richText,
  titledList,
  rich,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';
import { requestTitle, whereItStands } from './request-status.ts';

/** Who may open how many connections against how many there are: the reason it happens again. */
export function poolsLine({ budget }: Diagnosis): MessageBlock[] {
  const { lines, usable, others, mayOpen, canExhaust } = budget;
  if (canExhaust !== true || usable === null || mayOpen === null) return [];
  const told = lines
    .filter((line) => line.mayOpen !== null)
    .slice(0, 4)
    .map(({ service, mayOpen: most }) => `${service} ${most ?? ''}`);
  const rest = others === null || others === 0 ? [] : [`others ${others}`];
  const words = `up to ${mayOpen} connections for ${usable} usable (${[...told, ...rest].join(', ')}).`;
  return [richText(paragraph(rich`${bold('All pools together:')} ${words}`))];
}

export const mostRequests = 8;

type Links = ReadonlyMap<string, string>;

/** The last outcome, and what waits for approval or runs now: a link to each request's own card in place of its button. */
export function presentRequests(
  { requests }: IncidentView,
  links: Links = new Map(),
): MessageBlock[] {
  const latest = requests.filter((one) => !isOpen(one)).slice(-1);
  const open = requests.filter(isOpen).slice(-mostRequests);
  const lines = [
    ...latest.map((one) => endedLeaves(one, links.get(one.id))),
    ...open.map((one) => openLeaves(one, links.get(one.id))),
  ];
  return lines.length === 0 ? [] : [richText(bullets(lines))];
}

function openLeaves(request: ApprovalRequest, url: string | undefined): Leaf[] {
  const { mark, word } = whereItStands(request);
  const { id, plan, state, votes, votesNeeded } = request;
  const missing = count(Math.max(1, votesNeeded - votes.length), 'approval');
  const lead = state === 'proposed' ? `Waiting for ${missing}` : word;
  return [
    between(`${mark} `),
    ...rich`${bold(`${lead}:`)} ${plain(plan.title)}. `,
    url === undefined ? code(id) : link('Open the request', url),
  ];
}

/** What was tried before the last one, the newest last. */
export function earlierRequests(
  { requests }: IncidentView,
  links: Links = new Map(),
): MessageBlock[] {
  const earlier = requests.filter((one) => !isOpen(one)).slice(0, -1);
  const shown = earlier.slice(-mostRequests);
  const more = earlier.length - shown.length;
  return titledList('Tried before', [
    ...(more === 0 ? [] : [[plain(count(more, 'earlier request'))]]),
    ...shown.map((one) => endedLeaves(one, links.get(one.id))),
  ]);
}

/** `🟢 Fixed: restarted backend, 2 containers. 97 of 97 used before, 40 right after. Details` */
export function endedLeaves(request: ApprovalRequest, url: string | undefined): Leaf[] {
  const { mark, line } = requestTitle(request);
  const outcome = request.result?.outcome?.sentence;
  return [
    between(`${mark} `),
    ...rich`${bold(line)}. `,
    ...(outcome === undefined ? [] : rich`${outcome} `),
    url === undefined ? code(request.id) : link('Details', url),
  ];
}

/** The remedies that may still help: neither tried in vain nor under way. Where it is calm nothing needs to be tried. */
export function remediesLeft({
  incident,
  diagnosis,
  requests,
  ineffective,
}: IncidentView): readonly Proposal[] {
  if (incident.calmSince !== null) return [];
  return (diagnosis?.proposals ?? []).filter(
    (one) => !isIneffective(one, ineffective) && !isUnderWay(one, requests),
  );
}

/** The others stand in the menu. */
const mostRemedies = 3;

/** The first remedies, in the order of their buttons, and what will not help again. */
export function remediesList(view: IncidentView): MessageBlock[] {
  const left = remediesLeft(view);
  const possible = left.filter(({ command }) => command !== undefined);
  const others = left.filter(({ command }) => command === undefined);
  const shown = [...possible, ...others].slice(0, mostRemedies);
  const ineffective = view.incident.calmSince === null ? view.ineffective : [];
  return [
    ...titledList('What would help', shown.map(proposalLeaves), 'ordered'),
    ...titledList(
      'What did not help',
      ineffective.map(({ sentence }) => [plain(sentence)]),
    ),
  ];
}

/** A remedy tried for everything is ineffective for each part; one tried for a part, for that part alone. */
function isIneffective(
  { option, subject }: Pick<Proposal, 'option' | 'subject'>,
  ineffective: readonly Ineffective[],
): boolean {
  return ineffective.some(
    (one) => one.option === option && (one.subject === null || one.subject === subject),
  );
}

/** What waits for votes or runs already need not be proposed again. */
function isUnderWay(
  { option, subject }: Pick<Proposal, 'option' | 'subject'>,
  requests: readonly ApprovalRequest[],
): boolean {
  return requests
    .filter(isOpen)
    .some(
      (one) => one.option === option && (one.plan.subject === null || one.plan.subject === subject),
    );
}
