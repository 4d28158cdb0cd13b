import type { ApprovalRequest } from '../../runbook/approval/request.ts';
import { requestTitle } from './request-status.ts';
import { topic } from './parts/lists.ts';
import { actorLeaf } from './parts/mentions.ts';
import { toMessage } from './parts/message.ts';
import type { Message } from './parts/message.ts';
import { between, bold, code, moment, plain } from './parts/rich-text.ts';
import type { Leaf } from './parts/rich-text.ts';

/** The requests that have not come to their end, oldest first. */
export function requestsMessage(open: readonly ApprovalRequest[]): Message {
  const line =
    open.length === 0
      ? 'Nothing is proposed, and nothing runs.'
      : `${open.length} open ${open.length === 1 ? 'request' : 'requests'}`;
  return toMessage(line, [topic(line, open.map(requestLeaves))]);
}

function requestLeaves(request: ApprovalRequest): Leaf[] {
  const { id, proposedBy, proposedAt, votes, votesNeeded } = request;
  return [
    code(id),
    between(' '),
    bold(requestTitle(request).line),
    between(', by '),
    actorLeaf(proposedBy),
    between(' at '),
    moment(proposedAt),
    plain(`, ${votes.length} of ${votesNeeded} votes`),
  ];
}
