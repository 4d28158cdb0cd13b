/** The name of the one lease on all incidents. No request has such an id. */
export const tending = 'incidents';

/** No lease on them is this long: one that ends later was taken before the clock was set back, and would bar everybody. */
export const longestTendingMs = 10 * 60_000;
