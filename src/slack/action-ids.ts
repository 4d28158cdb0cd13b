/** The ids of every button dbconn sends. Their values are opaque, or words that are read again when pressed. */
export const actionIds = {
  approve: 'dbconn_approve',
  deny: 'dbconn_deny',
  propose: 'dbconn_propose',
} as const;

/** `dbconn_propose_1`: within one block no two buttons may share an id. */
export const proposeActions: readonly string[] = [0, 1].map((n) => `${actionIds.propose}_${n}`);

export const knownActions: ReadonlySet<string> = new Set([
  actionIds.approve,
  actionIds.deny,
  ...proposeActions,
]);
