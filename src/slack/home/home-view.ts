import type { HomeView, KnownBlock } from '@slack/types';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import { count, toAge } from '../../runbook/snapshot/words.ts';
import { homeActions } from '../messages/kit/action-ids.ts';
import { actions, button } from '../messages/kit/button.ts';
import { header, smallPrint, truncate } from '../messages/kit/message.ts';
import {
  actorLeaf,
  bold,
  code,
  day,
  link,
  mentioning,
  moment,
  paragraph,
  plain,
  quote,
  richText,
  titledList,
  rich,
} from '../messages/kit/rich-text.ts';
import type { Leaf } from '../messages/kit/rich-text.ts';
import { requestTitle } from '../messages/request-status.ts';
import type { EndedIncident, HomeFacts, Linked } from './home-facts.ts';
import { targetsList, targetsTitle } from './target-summaries.ts';

/**
 * A person's Home tab, in the order somebody who was just called asks: what waits for me, what is wrong, how all
 * targets are, and the last outcomes. A dozen blocks, however much there is.
 */
export function homeView(facts: HomeFacts): HomeView & { readonly blocks: KnownBlock[] } {
  const blocks: KnownBlock[] = [
    header(targetsTitle(facts.summaries)),
    ...stopNotice(facts),
    ...facts.problems.map((problem) =>
      richText(paragraph(rich`${bold('Incidents and requests cannot be shown:')} ${problem}`)),
    ),
    ...votable(facts),
    ...openIncidents(facts),
    ...targetsList(facts.summaries, facts.readAtMs),
    ...titledList('Last outcomes', facts.ended.map(endedLeaves)),
    ...foot(facts),
  ];
  return { type: 'home', blocks };
}

function stopNotice({ stop }: HomeFacts): KnownBlock[] {
  if (stop === null) return [];
  const { by, at, reason, lift } = stop;
  const next = lift ?? 'An approver allows them again with /dbconn go.';
  const sentence = [
    ...rich`${bold('Emergency stop: no change runs')}, by `,
    ...mentioning(by),
    ...rich` since ${moment(at)}. ${next}`,
  ];
  return [richText(paragraph(sentence), ...(reason === '' ? [] : [quote(reason)]))];
}

function votable({ votable: requests, othersWaiting }: HomeFacts): KnownBlock[] {
  const others = `${count(othersWaiting, 'more request waits', 'more requests wait')} for somebody else.`;
  return [
    ...titledList('Waiting for your approval', requests.map(waitingLeaves)),
    ...openers(requests, toRequestWords, true),
    ...(othersWaiting === 0 ? [] : smallPrint([others])),
  ];
}

function waitingLeaves({ item }: Linked<ApprovalRequest>): Leaf[] {
  const { proposedBy, target, votes, votesNeeded, expiresAt } = item;
  const approvals = `${votes.length} of ${count(votesNeeded, 'approval')}`;
  return rich`${bold(requestTitle(item).line)}${plain(` · ${target}`)} · ${actorLeaf(proposedBy)}${plain(` · ${approvals} · expires at`)} ${moment(expiresAt)}`;
}

const severityMarks = { critical: '🔴', warning: '🟠', info: '🟢' } as const;

function openIncidents({ incidents, openIncidents: many }: HomeFacts): KnownBlock[] {
  const title = count(many, 'open incident');
  return [
    ...titledList(title, incidents.map(incidentLeaves)),
    ...openers(incidents, toIncidentWords, false),
  ];
}

function incidentLeaves({ item }: Linked<Incident>): Leaf[] {
  const { assignee, id, last, openedAt, severity, silence, target } = item;
  const who =
    assignee === null
      ? [bold('no owner')]
      : rich`owner ${actorLeaf(assignee.by)} since ${moment(assignee.at)}`;
  return [
    ...rich`${bold(`${severityMarks[severity]} ${target}:`)} ${last?.headline ?? 'Not checked yet.'} Open since ${day(openedAt)}, `,
    ...who,
    ...(silence === null ? [] : rich`, silenced until ${day(silence.until)}`),
    ...rich`, ${code(id)}`,
  ];
}

function endedLeaves({ item, url, requests }: EndedIncident): Leaf[] {
  const { closing, openedAt, target } = item;
  const endedAt = closing?.at ?? openedAt;
  const lasted = toAge((Date.parse(endedAt) - Date.parse(openedAt)) / 1000);
  const outcomes = requests
    .filter(({ result }) => result !== null)
    .slice(-3)
    .flatMap((request) => rich` · ${requestTitle(request).line}`);
  return [
    ...rich`${url === undefined ? bold(target) : link(target, url)} resolved after ${lasted}, ${day(endedAt)}`,
    ...outcomes,
  ];
}

/** What a button says, and what a screen reader reads of it. */
interface Opener {
  readonly text: string;
  readonly label: string;
}

function toRequestWords({ option, target }: ApprovalRequest): Opener {
  return {
    text: `Review ${nameOf(option)}`,
    label: `Open the request for ${nameOf(option)} on ${target}`,
  };
}

function toIncidentWords({ target }: Incident): Opener {
  return { text: `Open ${target}`, label: `Open the incident of ${target}` };
}

/** Slack cuts a longer text on a phone. */
const openerCharacters = 29;

/** Buttons that lead to messages; what has no message, or whose message is gone, gets none. */
function openers<T>(
  linked: readonly Linked<T>[],
  toWords: (item: T) => Opener,
  isUrgent: boolean,
): KnownBlock[] {
  const elements = linked
    .filter((one) => one.url !== undefined)
    .slice(0, homeActions.length)
    .map(({ item, url = '' }, index) => {
      const { text, label } = toWords(item);
      return button({
        id: homeActions[index] ?? '',
        text: truncate(text, openerCharacters),
        label,
        url,
        // One primary button in a set, as Slack asks for.
        style: isUrgent && index === 0 ? 'primary' : undefined,
      });
    });
  return actions(elements);
}

function foot({ summaries }: HomeFacts): KnownBlock[] {
  const target = summaries[0]?.target ?? '';
  return smallPrint([
    'Updates every 30 s for ten minutes after you open it.',
    `/dbconn status ${target} · /dbconn incidents · /dbconn history · /dbconn help`,
  ]);
}
