/** The name of the one lease on all incidents. No request has such an id. */
export const leaderLease = 'incidents';

/** No lease is this long: one that ends later was taken before the clock was set back, and would bar everybody. */
export const longestLeaseMs = 2 * 60_000;
