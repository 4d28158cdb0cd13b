import { Aim } from '../../src/runbook/approvals/verify/aim.ts';
import { outcomeTitle } from '../../src/slack/messages/request-status.ts';
import { actionIds } from '../../src/slack/messages/kit/action-ids.ts';
import type { OutcomeWord } from '../../src/runbook/approvals/verify/outcome.ts';
import type { Stage } from '../stage.ts';
import { people } from '../stage.ts';
import type { SlackMessage } from '../slack/workspace.ts';
import { cardText } from './card-text.ts';
import { awaitMessage, findButton, messages, press, tell } from './room.ts';
import type { Button, Person, Room } from './room.ts';

/** A change from its proposal to its outcome, by people who press and type in Slack. */

export interface Show extends Room {
  readonly stage: Stage;
  /** What people were told who might not do what they tried. */
  readonly refusals: string[];
}

export const [maya, jonas, dana, guest] = people;

/** From the last vote to the outcome: restarts of PostgreSQL or of a service, and the looks after them. */
const endWithinMs = 120_000;

interface Proposal {
  readonly by: Person;
  /** What stands after `/dbconn`. Pressed rather than typed where the status message offers it. */
  readonly words: string;
  readonly status?: SlackMessage;
}

/** Proposes, and returns the card. Throws with what the bot said where it refuses. */
export function propose(show: Show, { by, words, status }: Proposal): Promise<SlackMessage> {
  const value = `${words.replace('propose ', '')} ${show.stage.patient.target().name}`;
  const button = status === undefined ? undefined : findButton(status, value);
  return button === undefined
    ? awaitCard(show, () => tell(show, by, words))
    : proposeByPress(show, by, button);
}

/** Presses a button that proposes something, and returns the card of that. */
export function proposeByPress(show: Show, by: Person, button: Button): Promise<SlackMessage> {
  return awaitCard(show, () => press(show, by, button));
}

async function awaitCard(show: Show, act: () => Promise<string>): Promise<SlackMessage> {
  const seen = new Set(messages(show).map(({ ts }) => ts));
  const answer = await act();
  if (!answer.startsWith('Proposed: ')) throw new Error(`Nothing was proposed: ${answer}`);
  const card = await awaitMessage(
    show,
    ({ ts, text }) => !seen.has(ts) && text.startsWith('Proposed, '),
  );
  show.say(`\n${cardText(card)}`);
  return card;
}

interface Try {
  readonly by: Person;
  /** What the bot must answer. */
  readonly told: string;
}

/** Presses Approve as somebody whose vote must not count. Returns what went wrong. */
export async function expectRefusal(
  show: Show,
  card: SlackMessage,
  { by, told }: Try,
): Promise<readonly string[]> {
  const answer = await pressApprove(show, card, by);
  if (!answer.includes(told)) return [`${by.realName}'s press was answered: ${answer}`];
  show.refusals.push(answer);
  return [];
}

/** Lets these people approve, one after the other; the last one's vote must start it. */
export async function approve(
  show: Show,
  card: SlackMessage,
  voters: readonly Person[],
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const [index, voter] of voters.entries()) {
    const answer = await pressApprove(show, card, voter);
    const isLast = index === voters.length - 1;
    const told = isLast ? 'it starts now' : `You approved it (${index + 1} of ${voters.length}`;
    if (!answer.includes(told)) problems.push(`${voter.realName}'s vote was answered: ${answer}`);
  }
  return problems;
}

/** Waits until the card says what came of it, and returns it as it then stands. */
export async function awaitEnd(show: Show, { ts }: SlackMessage): Promise<SlackMessage> {
  const ended = await awaitMessage(show, (one) => one.ts === ts && isOver(one), endWithinMs);
  show.say(`\n${cardText(ended)}`);
  return ended;
}

/** What is wrong with how it ended, by the word its card begins with. */
export function expectOutcome(
  { text }: Pick<SlackMessage, 'text'>,
  words: readonly OutcomeWord[],
): readonly string[] {
  const expected = words.flatMap((word) => Aim.options.map((aim) => outcomeTitle(word, aim).word));
  const isExpected = expected.some((word) => text.startsWith(`${word}, `));
  return isExpected ? [] : [`it ended as "${text}", not as ${[...new Set(expected)].join(' or ')}`];
}

/** Votes on something that is over could only confuse. */
export function expectNoVotes(card: Pick<SlackMessage, 'ts' | 'blocks'>): readonly string[] {
  return findButton(card, actionIds.approve) === undefined
    ? []
    : ['the card can still be approved'];
}

function pressApprove(show: Show, { ts }: SlackMessage, by: Person): Promise<string> {
  const card = messages(show).find((one) => one.ts === ts);
  const button = card === undefined ? undefined : findButton(card, actionIds.approve);
  if (button === undefined) throw new Error('The card has no button to approve.');
  return press(show, by, button);
}

/** A card's text begins with the word for where it stands. */
function isOver({ text }: SlackMessage): boolean {
  return !/^(?:Proposed|Approved|Running|Checking the effect), /.test(text);
}
