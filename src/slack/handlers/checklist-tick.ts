import { isIncidentId } from '../../runbook/commands/parse-incident.ts';
import { ChecklistItem } from '../../runbook/incidents/incident.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice, refusalMessage } from '../messages/notice.ts';
import { checklistMessage } from '../messages/report.ts';
import { reply } from './listen.ts';
import { notOurList } from './press.ts';
import type { Press } from './press.ts';

/** One box: which incident, which item. */
interface Box {
  readonly id: string;
  readonly item: ChecklistItem;
}

/**
 * A tick in a post-incident checklist. What is ticked is recorded with name and time and its box goes away; clearing
 * a box that is still there records nothing.
 */
export function checklistTick(press: Press): Promise<void> {
  return reply(press, {
    work: () => record(press),
    doing: 'recording a tick',
    name: 'tick',
    otherwise: '/dbconn history',
  });
}

/** Undefined where they are not boxes that dbconn made, or of several incidents. */
function readBoxes(values: readonly string[]): readonly Box[] | undefined {
  const boxes = values.map((value) => {
    const [id = '', item] = value.split(':');
    const known = ChecklistItem.safeParse(item);
    return isIncidentId(id) && known.success ? { id, item: known.data } : undefined;
  });
  const read = boxes.filter((box) => box !== undefined);
  const isWhole = read.length === boxes.length && new Set(read.map(({ id }) => id)).size <= 1;
  return isWhole ? read : undefined;
}

/** Records what is ticked, and shows the list as it then stands. */
async function record(press: Press): Promise<Message> {
  const { actor, asker, board, client, incidents, log, ts } = press;
  const boxes = readBoxes(press.values);
  if (boxes === undefined) return notice(notOurList);
  const [first] = boxes;
  if (first === undefined) return notice('No item is ticked. Nothing was recorded.');
  const place = await board.placeOf(first.id);
  // Its thread is the only place dbconn puts it: elsewhere somebody else made it.
  if (place !== undefined && place.channel !== asker.channel) return notice(notOurList);
  for (const { id, item } of boxes) {
    const ticked = await incidents.tick(id, actor, item);
    if (!ticked.ok) return refusalMessage(ticked.refusal);
  }
  const now = await incidents.get(first.id);
  if (now.ok && ts !== undefined) {
    const { text, blocks } = checklistMessage(now.value);
    await client.chat
      .update({ channel: asker.channel, ts, text, blocks: [...blocks] })
      .catch((err: unknown) => log.warn({ err }, 'A checklist could not be updated'));
  }
  return notice('Recorded, with your name and the time.');
}
