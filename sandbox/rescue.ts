import { actionIds } from '../src/slack/action-ids.ts';
import type { SlackMessage } from './slack/workspace.ts';
import { incidentChannel, people } from './stage.ts';
import type { Stage } from './stage.ts';
import { toText } from './message-text.ts';

/** From the approval to the verdict: two restarts, and the pause before the last look. */
const patienceMs = 60_000;
const [maya, jonas, guest] = people;

/**
 * Maya proposes to restart the leaking service; neither she nor the guest may approve it; Jonas does. Everything
 * goes through Slack. Returns what did not go as it should.
 */
export async function rescue(stage: Stage, service: string): Promise<readonly string[]> {
  const before = await used(stage);
  console.log(`\n${maya.realName}: /dbconn propose C ${service}\n`);
  const { ts } = await propose(stage, service);
  const problems: string[] = [];
  for (const [person, expected] of [
    [maya, 'You proposed this'],
    [guest, 'You are not an approver'],
    [jonas, 'Your vote counts'],
  ] as const) {
    console.log(`\n${person.realName} presses Approve`);
    const answer = await press(stage, { user: person.id, ts });
    console.log(`  only they see: ${answer}`);
    if (!answer.includes(expected)) problems.push(`${person.name}'s press was answered: ${answer}`);
  }
  const ended = await waitForEnd(stage, ts);
  console.log(`\nIn the thread:\n${thread(stage, ts)}\n\n${toText(ended)}`);
  const after = await used(stage);
  console.log(`\nUsed connections: ${before} before, ${after} after.`);
  const verified = await stage.journal.verify();
  console.log(
    verified.ok ? `The journal is whole: ${verified.entries} entries.` : verified.problem,
  );
  return [
    ...problems,
    ...(ended.text.startsWith('Fixed') ? [] : [`the restart ended as: ${ended.text}`]),
    ...(hasButtons(ended) ? ['the card kept its buttons'] : []),
    ...(after < before ? [] : ['no connection was freed']),
    ...(verified.ok ? [] : ['the journal does not verify']),
  ];
}

async function used({ runbook }: Stage): Promise<number> {
  const { capacity } = await runbook.diagnose(runbook.targets[0]?.name ?? '');
  return capacity?.used ?? Number.NaN;
}

async function propose(stage: Stage, service: string): Promise<SlackMessage> {
  const { slack } = stage;
  const text = `/dbconn propose C ${service}`;
  const seen = slack.state.ephemerals.length;
  await slack.typeCommand({ user: maya.id, channel: incidentChannel, text });
  const card = await slack.waitFor(() => messages(stage).find(isProposal), patienceMs);
  await whisper(stage, { user: maya.id, after: seen });
  console.log(toText(card));
  return card;
}

interface Press {
  readonly user: string;
  readonly ts: string;
}

/** Presses Approve and returns what the bot answers to that person alone. */
async function press({ slack }: Stage, { user, ts }: Press): Promise<string> {
  const seen = slack.state.ephemerals.length;
  const button = { channel: incidentChannel, actionId: actionIds.approve };
  const pressed = await slack.pressButton({ user, ts, ...button });
  if (!pressed.acked) return `nothing, for Slack says ${pressed.error ?? 'no'}`;
  return whisper({ slack }, { user, after: seen });
}

interface Heard {
  readonly user: string;
  /** How many whispers there were before. */
  readonly after: number;
}

function whisper({ slack }: Pick<Stage, 'slack'>, { user, after }: Heard): Promise<string> {
  return slack.waitFor(({ ephemerals }) => {
    const fresh = ephemerals.slice(after).find((one) => one.user === user);
    return fresh === undefined ? undefined : toText(fresh.message);
  }, patienceMs);
}

async function waitForEnd(stage: Stage, ts: string): Promise<SlackMessage> {
  return stage.slack.waitFor(() => {
    const ended = messages(stage).some(
      (one) => one.thread_ts === ts && one.text.startsWith('End of request'),
    );
    return ended ? messages(stage).find((one) => one.ts === ts) : undefined;
  }, patienceMs);
}

function thread(stage: Stage, ts: string): string {
  const replies = messages(stage).filter((one) => one.thread_ts === ts);
  return replies.map((reply) => toText(reply)).join('\n');
}

function messages({ slack }: Stage): readonly SlackMessage[] {
  return slack.state.channels.find(({ id }) => id === incidentChannel)?.messages ?? [];
}

function isProposal({ text }: SlackMessage): boolean {
  return text.startsWith('Proposed');
}

function hasButtons({ blocks }: SlackMessage): boolean {
  return blocks?.some(({ type }) => type === 'actions') ?? false;
}
