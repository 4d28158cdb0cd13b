/**
 * The ids of everything in Slack that calls dbconn back. A listener exists for each of them, and a test presses
 * each of them as somebody who may not: a new one cannot be forgotten in either place.
 */
export const actionIds = {
  approve: 'dbconn_approve',
  deny: 'dbconn_deny',
  /** Other thresholds or another application for option A. */
  change: 'dbconn_change',
  stop: 'dbconn_stop',
  askAgain: 'dbconn_ask_again',
  undo: 'dbconn_undo',
  /** On a status message: option A with thresholds of one's own. */
  choose: 'dbconn_choose',
} as const;

/** Within one block no two buttons may share an id. */
export const proposeActions = [
  'dbconn_propose_0',
  'dbconn_propose_1',
  'dbconn_propose_2',
  'dbconn_propose_3',
] as const;

export const followUpActions = [
  'dbconn_follow_up_0',
  'dbconn_follow_up_1',
  'dbconn_follow_up_2',
] as const;

export type RequestActionId =
  | Exclude<(typeof actionIds)[keyof typeof actionIds], typeof actionIds.choose>
  | (typeof followUpActions)[number];

export type StatusActionId = (typeof proposeActions)[number] | typeof actionIds.choose;

export type ActionId = RequestActionId | StatusActionId;

/** The block a message's buttons stand in: a press that comes from another one was not made by dbconn. */
export const blockIds = { request: 'dbconn_request', status: 'dbconn_status' } as const;

const { choose, ...onRequests } = actionIds;

/** Where each button stands. */
export const blockOf: ReadonlyMap<string, string> = new Map<string, string>([
  ...[...Object.values(onRequests), ...followUpActions].map(
    (id) => [id, blockIds.request] as const,
  ),
  ...[choose, ...proposeActions].map((id) => [id, blockIds.status] as const),
]);

export const knownActions: ReadonlySet<string> = new Set(blockOf.keys());

/** The dialogs that can be submitted. */
export const callbackIds = {
  idle: 'dbconn_idle',
  approve: 'dbconn_approve_reason',
  deny: 'dbconn_deny_reason',
} as const;

export type CallbackId = (typeof callbackIds)[keyof typeof callbackIds];

export const knownCallbacks: ReadonlySet<string> = new Set(Object.values(callbackIds));
