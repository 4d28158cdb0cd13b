/** How often an incident's message is written, in milliseconds. */
export interface CardIntervals {
  /** Between two writings for what people wait for: a state, a name, an outcome. */
  readonly urgentMs: number;
  /** Between two that only bring newer figures. */
  readonly figuresMs: number;
  /** After this long the time of the look alone is worth a writing. */
  readonly refreshMs: number;
  readonly retryMs: number;
  readonly longestRetryMs: number;
}

/**
 * Slack takes 50 changes of messages a minute from the whole app: one incident in a storm uses 30 of them, and five
 * that only tell figures use as many together.
 */
export const slackIntervals: CardIntervals = {
  urgentMs: 2000,
  figuresMs: 10_000,
  refreshMs: 60_000,
  retryMs: 5000,
  longestRetryMs: 60_000,
};

/** How many incidents may tell their figures at the full pace. */
export const calmIncidents = 5;
