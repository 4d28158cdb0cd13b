import type { Actor } from '../../runbook/approval/request.ts';
import { stopNotice } from '../../runbook/approval/stop-notice.ts';
import type { Command } from '../../runbook/commands.ts';
import { escalate, mentionOf } from '../../runbook/escalate/escalate.ts';
import type { Announcement } from '../../runbook/ports.ts';
import { toAsk } from '../../runbook/remedies/wanted.ts';
import type { Asker } from '../answer.ts';
import type { Changes } from '../changes.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { mentioning, toMentioningMessage } from '../messages/parts/mentions.ts';
import { paragraph, richText } from '../messages/parts/rich-text.ts';
import { refusalMessage } from '../messages/refusal.ts';
import type { CommandDeps } from './command-deps.ts';
import { patiently } from './patiently.ts';

type Change = Extract<Command, { kind: 'propose' | 'stop' | 'go' | 'escalate' }>;

interface Acting {
  readonly deps: CommandDeps;
  readonly changes: Changes;
  readonly actor: Actor;
}

/** Answers a word that sets something in motion: privately, while what concerns all is posted for all. */
export async function answerChange(
  deps: CommandDeps,
  asker: Asker,
  { command, signal }: { readonly command: Change; readonly signal: AbortSignal },
): Promise<void> {
  const { answer, changes } = deps;
  if (changes === undefined) {
    await answer(asker, 'caller', notice('This dbconn only looks; nothing can be proposed here.'));
    return;
  }
  const acting: Acting = { deps, changes, actor: { id: asker.user, via: 'slack' } };
  const task = taskOf(acting, command);
  const otherwise = 'target' in command ? `/dbconn doctor ${command.target}` : '/dbconn doctor';
  const { message } = await patiently(deps, asker, { ...task, otherwise, signal });
  await answer(asker, 'caller', message);
}

interface Named {
  readonly work: () => Promise<Message>;
  readonly doing: string;
  readonly name: string;
}

function taskOf(acting: Acting, command: Change): Named {
  switch (command.kind) {
    case 'propose': {
      const plan = `plan of option ${command.wanted.option} for ${command.target}`;
      return { work: () => propose(acting, command), doing: `making the ${plan}`, name: plan };
    }
    case 'stop':
      return { work: () => stop(acting, command.reason), doing: 'stopping', name: 'stop' };
    case 'go':
      return { work: () => go(acting, command.reason), doing: 'lifting the stop', name: 'go' };
    default:
      return {
        work: () => callForHelp(acting, command),
        doing: 'calling for help',
        name: 'call for help',
      };
  }
}

async function propose(
  { deps, changes, actor }: Acting,
  { wanted, target: name }: Extract<Change, { kind: 'propose' }>,
): Promise<Message> {
  const { cards, door } = changes;
  const target = deps.runbook.targets.find((candidate) => candidate.name === name);
  if (target === undefined) return notice('No target is configured. Add one to dbconn.yml.');
  if (cards.channel === undefined) return notice(noChannel);
  const ask = toAsk(wanted, target.limits);
  const proposed = await door.propose({ target: name, ask, actor });
  if (!proposed.ok) return refusalMessage(proposed.refusal);
  const { id, plan } = proposed.value;
  const problem = await cards.shown(id);
  return notice(
    problem === undefined
      ? `Proposed: ${plan.title}. It waits for approval in the incident channel.`
      : `It is recorded, but its card could not be posted in the incident channel (${problem}). Invite the bot there with /invite @dbconn; it tries again by itself every half minute.`,
  );
}

const noChannel =
  'There is no incident channel where a proposal could be approved. Set slack.channel in dbconn.yml to the id of #database.';

async function stop({ deps, changes, actor }: Acting, reason: string): Promise<Message> {
  const stopped = await changes.door.stop(actor, reason);
  if (!stopped.ok) return refusalMessage(stopped.refusal);
  return tellAll(deps, changes, stopNotice(stopped.value));
}

async function go({ deps, changes, actor }: Acting, reason: string): Promise<Message> {
  const lifted = await changes.door.go(actor, reason);
  if (!lifted.ok) return refusalMessage(lifted.refusal);
  const headline = `Changes may run again, says ${mentionOf(actor.id)}.`;
  return tellAll(deps, changes, { headline, quote: null });
}

/** Everybody in the incident channel has to know. That it could not be posted does not undo it. */
async function tellAll(
  { log }: CommandDeps,
  { announcements, cards }: Changes,
  words: Pick<Announcement, 'headline' | 'quote'>,
): Promise<Message> {
  const { headline } = words;
  const answer = (text: string): Message =>
    toMentioningMessage(text, [richText(paragraph(...mentioning(text)))]);
  if (cards.channel === undefined) return answer(headline);
  try {
    await announcements.announce({ to: cards.channel, mention: null, ...words });
    return answer(headline);
  } catch (err) {
    log.warn({ err }, 'A notice to all could not be posted');
    return answer(`${headline} The incident channel could not be told: tell people there.`);
  }
}

async function callForHelp(
  { deps, changes, actor }: Acting,
  { ask, target: name }: Extract<Change, { kind: 'escalate' }>,
): Promise<Message> {
  const { journal, announcements } = changes;
  const target = deps.runbook.targets.find((candidate) => candidate.name === name);
  if (target === undefined) return notice('No target is configured. Add one to dbconn.yml.');
  const { contacts } = target;
  let failure: unknown;
  const quietly: typeof announcements = {
    async announce(announcement) {
      await announcements.announce(announcement).catch((err: unknown) => {
        failure = err ?? 'no reason';
      });
    },
  };
  const headline = await headlineOf(deps, name);
  const { channel } = deps;
  const escalating = { ...ask, target: name, actor, contacts, channel, headline };
  const called = await escalate({ journal, announcements: quietly }, escalating);
  if (!called.ok) return refusalMessage(called.refusal);
  if (failure !== undefined) {
    deps.log.warn({ err: failure }, 'A call for help could not be sent');
    return notice(`It is recorded, but Slack did not take it. Call ${ask.role} by hand.`);
  }
  return notice(
    called.value.to === channel
      ? 'They were called in the incident channel.'
      : 'They were written to directly. Tell the incident channel that you did.',
  );
}

/** A call for help goes out with or without figures. */
async function headlineOf(
  { log, runbook }: CommandDeps,
  name: string,
): Promise<string | undefined> {
  try {
    return (await runbook.diagnose(name)).headline;
  } catch (err) {
    log.warn({ err, target: name }, 'A call for help goes without a look');
    return undefined;
  }
}
