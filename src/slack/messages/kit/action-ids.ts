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
  /** The commands of an approved plan were run by hand. */
  ranByHand: 'dbconn_ran_by_hand',
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

/** On an incident's message. */
export const incidentActions = {
  have: 'dbconn_incident_have',
  /** Each proposes a remedy. */
  remedy: 'dbconn_incident_remedy',
  secondRemedy: 'dbconn_incident_remedy_2',
  thirdRemedy: 'dbconn_incident_remedy_3',
  help: 'dbconn_incident_help',
  /** What is rare; its options are IncidentChoice and the incident's id. */
  menu: 'dbconn_incident_menu',
} as const;

export const remedyActions = [
  incidentActions.remedy,
  incidentActions.secondRemedy,
  incidentActions.thirdRemedy,
] as const;

export type IncidentActionId = (typeof incidentActions)[keyof typeof incidentActions];

export const incidentChoices = [
  'propose',
  'status',
  'silence',
  'unsilence',
  'merge',
  'close',
  'report',
  'reopen',
] as const;
export type IncidentChoice = (typeof incidentChoices)[number];

/** The boxes of a post-incident checklist: each option is an incident's id and an item. */
export const checklistAction = 'dbconn_checklist_tick';

export type RequestActionId =
  | Exclude<(typeof actionIds)[keyof typeof actionIds], typeof actionIds.choose>
  | (typeof followUpActions)[number];

export type StatusActionId = (typeof proposeActions)[number] | typeof actionIds.choose;

/** The block a message's buttons stand in: a press that comes from another one was not made by dbconn. */
export const blockIds = {
  request: 'dbconn_request',
  status: 'dbconn_status',
  incident: 'dbconn_incident',
  checklist: 'dbconn_checklist',
} as const;

const ownBlocks: ReadonlySet<string | undefined> = new Set(Object.values(blockIds));

export function isOwnBlock(id: string | undefined): id is string {
  return ownBlocks.has(id);
}

/** Whether a press came from the block its button stands in, whichever version of the message that was. */
export function isFromOwnBlock(action: string, block: string): boolean {
  const own = blockOf.get(action);
  return own !== undefined && own === block.split('.')[0];
}

const { choose, ...onRequests } = actionIds;

/** Where each button stands. */
export const blockOf: ReadonlyMap<string, string> = new Map<string, string>([
  ...[...Object.values(onRequests), ...followUpActions].map(
    (id) => [id, blockIds.request] as const,
  ),
  ...[choose, ...proposeActions].map((id) => [id, blockIds.status] as const),
  ...Object.values(incidentActions).map((id) => [id, blockIds.incident] as const),
  [checklistAction, blockIds.checklist],
]);

/** On the Home tab: they lead to a message by its address, and change nothing. */
export const homeActions = Array.from({ length: 10 }, (_, index) => `dbconn_home_open_${index}`);

/** Everything that some listener answers: a press on anything else comes from an older dbconn. */
export const answeredActions: ReadonlySet<string> = new Set([...blockOf.keys(), ...homeActions]);

/** The dialogs that can be submitted. */
export const callbackIds = {
  idle: 'dbconn_idle',
  approve: 'dbconn_approve_reason',
  deny: 'dbconn_deny_reason',
  incidentSilence: 'dbconn_incident_silence',
  incidentMerge: 'dbconn_incident_merge',
  incidentClose: 'dbconn_incident_close',
  incidentReopen: 'dbconn_incident_reopen',
  incidentHelp: 'dbconn_incident_help_reason',
} as const;

export type CallbackId = (typeof callbackIds)[keyof typeof callbackIds];

export const knownCallbacks: ReadonlySet<string> = new Set(Object.values(callbackIds));
