import type { ActionsBlock } from '@slack/types';
import type { Incident } from '../../runbook/incident/incident.ts';
import { openItems } from '../../runbook/post-incident/ask-for-open-items.ts';
import { checklist } from '../../runbook/incidents/checklist.ts';
import { blockIds, checklistAction } from './kit/action-ids.ts';
import { actorLeaf } from './parts/mentions.ts';
import { toMessage } from './parts/message.ts';
import type { Message, MessageBlock } from './parts/message.ts';
import { between, bold, moment, paragraph, plain, richText, bullets } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';

/**
 * The runbook's five post-incident items. An open one is a box; a ticked one stands above with name and time and is
 * no box any more, so that nobody takes back silently what somebody says they did.
 */
export function checklistMessage(incident: Incident): Message {
  const open = openItems(incident);
  const { target, checklist: ticks } = incident;
  const done = checklist.length - open.length;
  const text = `Post-incident checklist of ${target}: ${done} of ${checklist.length} done`;
  const lines = checklist.flatMap(({ id, title }): Leaf[][] => {
    const tick = ticks.find(({ item }) => item === id);
    if (tick === undefined) return [];
    return [
      [plain(`✓ ${title}`), between(', '), actorLeaf(tick.by), between(' at '), moment(tick.at)],
    ];
  });
  return toMessage(text, [
    richText(paragraph(bold(text)), ...(lines.length === 0 ? [] : [bullets(lines)])),
    ...boxes(incident.id, open),
  ]);
}

function boxes(id: string, open: ReturnType<typeof openItems>): MessageBlock[] {
  if (open.length === 0) return [];
  const block: ActionsBlock = {
    type: 'actions',
    block_id: blockIds.checklist,
    elements: [
      {
        type: 'checkboxes',
        action_id: checklistAction,
        options: open.map(({ id: item, title }) => ({
          text: { type: 'plain_text', text: title, emoji: false },
          value: `${id}:${item}`,
        })),
      },
    ],
  };
  return [block];
}
