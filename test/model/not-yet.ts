/** What the rules ask for and dbconn does not do yet. Each is switched on with the change that does it. */
export const isHeld = {
  /** A clock set back delays no call for help, and no end of an incident. */
  incidentClocks: false,
};
