import type { Actor, Request } from '../../runbook/approval/request.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import { actionIds } from '../action-ids.ts';
import { notice } from '../messages/notice.ts';
import type { Message } from '../messages/parts/message.ts';
import { refusalMessage } from '../messages/refusal.ts';
import type { Changes } from '../changes.ts';
import type { CommandDeps } from './command-deps.ts';
import { patiently } from './patiently.ts';
import type { Press } from './press.ts';

/**
 * Approve and Deny. Who pressed is what Slack says; what it is about is read from the journal by the button's
 * id; whether it counts is the door's to say. Every press is answered to the one who pressed.
 */
export function voteButtons(deps: CommandDeps): (press: Press) => Promise<void> {
  return async (press) => {
    const { answer, changes } = deps;
    if (changes === undefined) {
      await answer(press.asker, 'caller', notice('This dbconn only looks; nothing runs here.'));
      return;
    }
    const { message } = await patiently(deps, press.asker, {
      work: () => decide(changes, press),
      doing: 'counting a vote',
      name: 'counting of a vote',
      otherwise: '/dbconn status',
      signal: press.signal,
    });
    await answer(press.asker, 'caller', message);
  };
}

async function decide(changes: Changes, press: Press): Promise<Message> {
  const { door } = changes;
  const { actionId, asker, value: id } = press;
  const actor: Actor = { id: asker.user, via: 'slack' };
  const decided =
    actionId === actionIds.approve ? await door.approve(id, actor) : await door.deny(id, actor);
  if (decided.ok) return notice(confirmation(decided.value));
  showAsItIs(changes, press, await door.get(id));
  return refusalMessage(decided.refusal);
}

/** A card that still has buttons although it is decided, as after a restart, is put right. */
function showAsItIs({ cards }: Changes, { asker, ts }: Press, found: Answer<Request>): void {
  if (!isDecided(found) || ts === undefined) return;
  cards.found(found.value, { channel: asker.channel, ts });
}

function isDecided(found: Answer<Request>): found is { ok: true; value: Request } {
  return found.ok && found.value.state !== 'proposed';
}

function confirmation({ state, votes, votesNeeded }: Request): string {
  if (state === 'denied') return 'You denied it; nothing runs.';
  if (state === 'proposed') {
    return `Your vote counts: ${votes.length} of ${votesNeeded}. It waits for the others.`;
  }
  return 'Your vote counts, and it was the last one needed: it begins. Its thread tells each step.';
}
