/** The name of the one lease on all incidents. No request has such an id. */
export const tending = 'incidents';
