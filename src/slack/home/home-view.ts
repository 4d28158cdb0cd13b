import type { HomeView, KnownBlock } from '@slack/types';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import { nameOf } from '../../runbook/remedies/remedy-request.ts';
import { homeActions } from '../messages/kit/action-ids.ts';
import { actions, button } from '../messages/kit/button.ts';
import { header, smallPrint } from '../messages/kit/message.ts';
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
 * A person's Home tab, in the order somebody who was just called asks: what waits for me, what is wrong, what runs,
 * how all targets are, what became of the last ones. About twenty blocks, however much there is.
 */
export function homeView(facts: HomeFacts): HomeView & { readonly blocks: KnownBlock[] } {
  const blocks: KnownBlock[] = [
    header(targetsTitle(facts.summaries)),
    ...stopNotice(facts),
    ...facts.problems.map((problem) =>
      richText(paragraph(rich`${bold('Incidents and proposals are not shown:')} ${problem}`)),
    ),
    ...votable(facts),
    ...openIncidents(facts),
    ...titledList('Running', facts.running.map(runningLeaves)),
    ...targetsList(facts.summaries, facts.readAtMs),
    ...titledList('Over', facts.ended.map(endedLeaves)),
    ...foot(facts),
  ];
  return { type: 'home', blocks };
}

function stopNotice({ stop }: HomeFacts): KnownBlock[] {
  if (stop === null) return [];
  const { by, at, reason, lift } = stop;
  const next = lift ?? 'An approver lets them run again with /dbconn go.';
  const sentence = [
    ...rich`${bold('All changes are stopped')}, by `,
    ...mentioning(by),
    ...rich` since ${moment(at)}. ${next}`,
  ];
  return [richText(paragraph(sentence), ...(reason === '' ? [] : [quote(reason)]))];
}

function votable({ votable: requests, othersWaiting }: HomeFacts): KnownBlock[] {
  const others = `${othersWaiting} more ${othersWaiting === 1 ? 'proposal waits' : 'proposals wait'} for somebody else.`;
  return [
    ...titledList('Waiting for your vote', requests.map(waitingLeaves)),
    ...openers(requests, ({ option, target }) => `Open ${nameOf(option)} for ${target}`, true),
    ...(othersWaiting === 0 ? [] : smallPrint([others])),
  ];
}

function waitingLeaves({ item }: Linked<ApprovalRequest>): Leaf[] {
  const { proposedBy, votes, votesNeeded, expiresAt } = item;
  return rich`${bold(requestTitle(item).line)}, by ${actorLeaf(proposedBy)}${plain(`, ${votes.length} of ${votesNeeded} votes, until`)} ${moment(expiresAt)}`;
}

const severityMarks = { critical: '🔴', warning: '🟠', info: '🟢' } as const;

function openIncidents({ incidents, openIncidents: count }: HomeFacts): KnownBlock[] {
  const title = count === 1 ? '1 open incident' : `${count} open incidents`;
  return [
    ...titledList(title, incidents.map(incidentLeaves)),
    ...openers(incidents, ({ target }) => `Open the incident of ${target}`, false),
  ];
}

function incidentLeaves({ item }: Linked<Incident>): Leaf[] {
  const { assignee, id, last, openedAt, severity, silence, target } = item;
  const who =
    assignee === null
      ? [bold('nobody has it')]
      : rich`${actorLeaf(assignee.by)} has it since ${moment(assignee.at)}`;
  return [
    ...rich`${bold(`${severityMarks[severity]} ${target}:`)} ${last?.headline ?? 'No look has seen it yet.'} Since ${day(openedAt)}, `,
    ...who,
    ...(silence === null ? [] : rich`, silent until ${day(silence.until)}`),
    ...rich`, ${code(id)}`,
  ];
}

function runningLeaves({ item, url }: Linked<ApprovalRequest>): Leaf[] {
  const { line } = requestTitle(item);
  return [url === undefined ? bold(line) : link(line, url)];
}

function endedLeaves({ item, url, requests }: EndedIncident): Leaf[] {
  const { closing, openedAt, target } = item;
  const done = requests
    .filter(({ result }) => result !== null)
    .slice(-3)
    .flatMap((request) => rich` · ${requestTitle(request).line}`);
  return [
    ...rich`${url === undefined ? bold(target) : link(target, url)}, ${day(closing?.at ?? openedAt)}: `,
    ...mentioning(closing?.sentence ?? ''),
    ...done,
  ];
}

/** Buttons that lead to messages; what has no message, or whose message is gone, gets none. */
function openers<T>(
  linked: readonly Linked<T>[],
  toText: (item: T) => string,
  isUrgent: boolean,
): KnownBlock[] {
  const elements = linked
    .filter((one) => one.url !== undefined)
    .slice(0, homeActions.length)
    .map(({ item, url = '' }, index) =>
      button({
        id: homeActions[index] ?? '',
        text: toText(item),
        url,
        // One primary button in a set, as Slack asks for.
        style: isUrgent && index === 0 ? 'primary' : undefined,
      }),
    );
  return actions(elements);
}

function foot({ summaries }: HomeFacts): KnownBlock[] {
  const target = summaries[0]?.target ?? '';
  return smallPrint([
    'Renewed when you open it, and every 30 s for ten minutes after.',
    `/dbconn status ${target} looks now · /dbconn incidents · /dbconn history · /dbconn help`,
  ]);
}
