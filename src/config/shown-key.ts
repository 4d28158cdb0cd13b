/** A key of dbconn.yml as a sentence may show it: what is no name may be an address that slipped out of its value. */
export function shownKey(key: PropertyKey): string {
  const text = String(key);
  return /^[\w-]{1,60}$/.test(text) ? text : '…';
}
