import type {
  AllMiddlewareArgs,
  BlockAction,
  CheckboxesAction,
  SlackActionMiddlewareArgs,
} from '@slack/bolt';
import { isIncidentId } from '../../runbook/commands/parse-incident.ts';
import { ChecklistItem } from '../../runbook/incidents/checklist.ts';
import { blockIds } from '../messages/kit/action-ids.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { checklistMessage } from '../messages/report.ts';
import { toActor } from '../people.ts';
import type { Asker } from './answer.ts';
import { refusal } from './command.ts';
import type { CommandDeps } from './deps.ts';
import { answerInTime, depsFor } from './deps.ts';
import { noIncidents } from './incident-commands.ts';

export type TickAction = BlockAction<CheckboxesAction>;
type Args = SlackActionMiddlewareArgs<TickAction> & AllMiddlewareArgs;

/** One box: which incident, which item. */
interface Box {
  readonly id: string;
  readonly item: ChecklistItem;
}

/**
 * A tick in a post-incident checklist. What is ticked is recorded with name and time and its box goes away; clearing
 * a box that is still there records nothing.
 */
export function checklistTick(deps: CommandDeps): (args: Args) => Promise<void> {
  const { answer, inFlight, log } = deps;
  return async (args) => {
    const { ack, body, payload, respond } = args;
    await ack().catch((err: unknown) => log.warn({ err }, 'A tick was not acknowledged'));
    const channel = body.channel?.id;
    if (channel === undefined) {
      log.warn({ user: body.user.id }, 'A tick came from nowhere and was ignored');
      return;
    }
    const asker: Asker = { channel, user: body.user.id, respond };
    const busy = refusal(inFlight);
    const boxes = body.actions.length === 1 ? readBoxes(payload) : undefined;
    await inFlight.run(async (signal) => {
      try {
        if (busy !== undefined || boxes === undefined) {
          await answer(asker, 'caller', notice(busy ?? notOurs));
          return;
        }
        const { message } = await answerInTime(deps, asker, {
          work: () => record(depsFor(deps, args.context), args, boxes),
          doing: 'recording a tick',
          name: 'tick',
          otherwise: '/dbconn history',
          signal,
        });
        await answer(asker, 'caller', message);
      } catch (err) {
        log.error({ err, channel }, 'A tick could not be answered');
      }
    });
  };
}

const notOurs =
  'This list does not stand where dbconn put it, so nothing was recorded. Use the one in the incident’s thread.';

/** Undefined where they are not boxes that dbconn made, or of several incidents. */
function readBoxes({
  block_id: block,
  selected_options: chosen,
}: CheckboxesAction): readonly Box[] | undefined {
  const boxes = chosen.map(({ value = '' }) => {
    const [id = '', item] = value.split(':');
    const known = ChecklistItem.safeParse(item);
    return isIncidentId(id) && known.success ? { id, item: known.data } : undefined;
  });
  const read = boxes.filter((box) => box !== undefined);
  const isWhole = read.length === boxes.length && new Set(read.map(({ id }) => id)).size <= 1;
  return block === blockIds.checklist && isWhole ? read : undefined;
}

/** Records what is ticked, and shows the list as it then stands. */
async function record(
  { changes, log }: CommandDeps,
  { body, client }: Args,
  boxes: readonly Box[],
): Promise<Message> {
  const { incidents, board } = changes ?? {};
  const { user, message, channel } = body;
  const [first] = boxes;
  if (incidents === undefined) return noIncidents;
  if (first === undefined) return notice('Nothing is ticked, so nothing was recorded.');
  const place = await board?.placeOf(first.id);
  // Its thread is the only place dbconn puts it: elsewhere somebody else made it.
  if (place !== undefined && place.channel !== channel?.id) return notice(notOurs);
  const actor = toActor(user.id, user.team_id ?? body.team?.id);
  for (const { id, item } of boxes) {
    const ticked = await incidents.tick(id, actor, item);
    if (!ticked.ok) return refusalMessage(ticked.refusal);
  }
  const now = await incidents.get(first.id);
  if (now.ok && message !== undefined && channel !== undefined) {
    const { text, blocks } = checklistMessage(now.value);
    await client.chat
      .update({ channel: channel.id, ts: message.ts, text, blocks: [...blocks] })
      .catch((err: unknown) => log.warn({ err }, 'A checklist could not be shown anew'));
  }
  return notice('Recorded, with your name and the time.');
}
