import { toText } from '../message-text.ts';
import type { SlackMessage } from '../slack/workspace.ts';
import { approve, awaitEnd, expectNoVotes, expectRefusal } from './change.ts';
import { guest, jonas, maya, propose, proposeByPress } from './change.ts';
import type { Show } from './change.ts';
import { awaitCardSaying, awaitReply, briefly, findCard } from './incident-sights.ts';
import { awaitMessage, findButton, messages, press } from './room.ts';
import { troubled } from './scene.ts';
import type { TourScene } from './scene.ts';
import { lookBack } from './story-record.ts';
import { countSessions, soon } from './truth.ts';
import { expectVerdict } from './verdict.ts';

/**
 * One incident from its alert to its report, with everybody it needs: the remedy is that of a leak, option C. It is
 * checked from outside at every turn: what stands in Slack, what the pager heard, and what PostgreSQL has.
 */
export const story: TourScene = {
  title: 'Trouble: connection-leak, the whole story from its alert to its report',
  make: (patient) => patient.trouble('connection-leak'),
  read: arrive,
  judge({ causes: [first] }) {
    const found = first?.cause ?? 'nothing';
    return found === 'connection-leak' ? [] : [`it puts ${found} first`];
  },
  async help(show, { status }) {
    const { ts } = status;
    const called = await waitForHelp(show, ts);
    const taken = await takeIt(show, ts);
    const mended = await restart(show, ts);
    const ended = await endIt(show, ts);
    const kept = await lookBack(show, ts);
    return [...called, ...taken, ...mended, ...ended, ...kept];
  },
  clear: (patient) => patient.heal(),
};

/** Nobody asked: Alertmanager says so, and the bot comes with what it sees. */
async function arrive(show: Show): Promise<SlackMessage> {
  const seen = new Set(messages(show).map(({ ts }) => ts));
  await show.stage.alert('firing');
  show.say('\nAlertmanager: DatabaseConnectionPoolExhausted fires.');
  const { ts } = await awaitMessage(
    show,
    (one) => !seen.has(one.ts) && one.thread_ts === undefined && one.text.startsWith('Critical, '),
  );
  // Its first writing may be from before the first look.
  const card = await awaitCardSaying(show, ts, 'What would help');
  show.say(`\n${toText(card)}`);
  return card;
}

/** Nobody takes it, so the runbook's contacts are called, one after the other. */
async function waitForHelp(show: Show, ts: string): Promise<readonly string[]> {
  const { pagerDuty } = show.stage;
  const call = await awaitReply(show, ts, (one) => toText(one).startsWith('@S0DBA '));
  show.say(`\nThe incident’s thread, for everybody in the channel: ${toText(call)}`);
  const isPaged = await soon(() => pagerDuty.pages.length > 0);
  const [page] = pagerDuty.pages;
  show.say(`PagerDuty, on call: ${page?.summary ?? 'nothing'} ${pageDetail(page)}`);
  return [
    ...(call.subtype === 'thread_broadcast' ? [] : ['the call is hidden in the thread']),
    ...(isPaged && page?.state === 'triggered' ? [] : ['nobody was paged']),
  ];
}

function pageDetail(page: { readonly details: object } | undefined): string {
  return Object.values(page?.details ?? {})
    .filter((value): value is string => typeof value === 'string')
    .join(' ');
}

async function takeIt(show: Show, ts: string): Promise<readonly string[]> {
  const { pagerDuty } = show.stage;
  const button = findButton(findCard(show, ts), 'Acknowledge');
  if (button === undefined) return ['nobody can take it'];
  const answer = await press(show, maya, button);
  const isQuiet = await soon(() => pagerDuty.pages[0]?.state === 'acknowledged');
  const card = await awaitCardSaying(show, ts, `Owner: @${maya.name}`);
  return [
    ...(answer.includes('You own the incident') ? [] : [`the press was answered: ${answer}`]),
    ...(isQuiet ? [] : ['PagerDuty was not acknowledged']),
    ...(findButton(card, 'Take over') === undefined ? ['nobody else could take it now'] : []),
  ];
}

/** Option C, by the card's own button where it stands there. The first change of all, so it also shows whose votes do not count. */
async function restart(show: Show, ts: string): Promise<readonly string[]> {
  const { patient } = show.stage;
  const services = troubled(patient);
  const service = services[0] ?? '';
  const words = `propose C ${service}`;
  const before = await countSessions(patient, services);
  const button = findButton(findCard(show, ts), `Restart ${service}…`);
  const card =
    button === undefined
      ? await propose(show, { by: maya, words })
      : await proposeByPress(show, maya, button);
  const refused = [
    ...(await expectRefusal(show, card, { by: maya, told: 'You proposed this' })),
    ...(await expectRefusal(show, card, { by: guest, told: 'approver' })),
  ];
  const votes = await approve(show, card, [jonas]);
  const end = await awaitEnd(show, card);
  const after = await countSessions(patient, services);
  show.say(`\nThe truth: ${services.join(', ')} had ${before} sessions, and has ${after}.`);
  return [
    ...refused,
    ...votes,
    ...(await expectVerdict(show, end, ['fixed'])),
    ...expectNoVotes(end),
    ...(after < before ? [] : ['the service holds as many connections as before']),
  ];
}

/** Alertmanager is slower than the looks: it stays open until both say the same. */
async function endIt(show: Show, ts: string): Promise<readonly string[]> {
  const { stage } = show;
  const { pagerDuty } = stage;
  const waiting = await awaitCardSaying(
    show,
    ts,
    'stays open while DatabaseConnectionPoolExhausted fires',
  );
  show.say(`\n${briefly(waiting)}`);
  await stage.alert('resolved');
  show.say('\nAlertmanager: DatabaseConnectionPoolExhausted is resolved.');
  const over = await awaitCardSaying(show, ts, 'Resolved, ');
  const isTold = await soon(() => pagerDuty.pages[0]?.state === 'resolved');
  const heard = pagerDuty.pages.flatMap((page) => page.heard).join(', ');
  show.say(`\nPagerDuty heard ${heard}, under ${pagerDuty.pages.length} key.`);
  return [
    ...(waiting.text.startsWith('Resolved') ? ['it is over while the alert fires'] : []),
    ...(over.ts === ts ? [] : ['it ended elsewhere']),
    ...(isTold && pagerDuty.pages.length === 1 ? [] : ['the page is not resolved under its key']),
    ...(heard === 'trigger, acknowledge, resolve' ? [] : [`PagerDuty heard ${heard}`]),
  ];
}
