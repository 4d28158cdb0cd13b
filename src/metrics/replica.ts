/** Where to ask: the configured address, or one replica's own behind the same name. */
export interface Replica {
  readonly url: string;
  /** The name to send as Host when `url` holds an address in its place. */
  readonly host?: string;
}

/** Host, port and path. A password, a token in the query and the fragment stay here. */
export function toShown({ url, host }: Replica): string {
  if (!URL.canParse(url)) return 'an address that cannot be read';
  const parsed = new URL(url);
  return host === undefined
    ? `${parsed.host}${parsed.pathname}`
    : `${host}${parsed.pathname} (${parsed.hostname})`;
}
