/** Where a person is looking. The address bar holds it, so that two windows can be two people. */
export type Place =
  | { readonly kind: 'channel'; readonly id: string; readonly thread?: string }
  | { readonly kind: 'app'; readonly tab: AppTab; readonly thread?: string };

export type AppTab = 'home' | 'messages';

interface Whereabouts {
  readonly user: string | undefined;
  readonly place: Place | undefined;
}

export function readAddress(address: Pick<Location, 'href' | 'search'>): Whereabouts {
  const query = new URLSearchParams(address.search);
  const inside = query.get('in');
  const thread = query.get('thread');
  const user = query.get('as') ?? undefined;
  if (inside === null) return { user, place: readPermalink(address.href)?.place };
  const place: Place =
    inside === 'home' || inside === 'messages'
      ? { kind: 'app', tab: inside }
      : { kind: 'channel', id: inside };
  return { user, place: thread === null ? place : { ...place, thread } };
}

export function writeAddress(user: string, place: Place): string {
  const query = new URLSearchParams({
    as: user,
    in: place.kind === 'app' ? place.tab : place.id,
    ...(place.thread !== undefined && { thread: place.thread }),
  });
  return `/?${query.toString()}`;
}

/** Where a message's own address leads. */
export interface Permalink {
  readonly place: Place;
  /** The message to go to. */
  readonly ts: string;
}

/** Reads `/archives/C…/p1700000000123456?thread_ts=…`; undefined for every other address. */
export function readPermalink(address: string): Permalink | undefined {
  const url = URL.parse(address, location.href);
  if (url?.origin !== location.origin) return undefined;
  const [, id, seconds, micros] =
    /^\/archives\/([A-Z0-9]+)\/p(\d+)(\d{6})$/.exec(url.pathname) ?? [];
  if (id === undefined || seconds === undefined || micros === undefined) return undefined;
  const thread = url.searchParams.get('thread_ts');
  const place: Place = id.startsWith('D')
    ? { kind: 'app', tab: 'messages' }
    : { kind: 'channel', id };
  return { place: thread === null ? place : { ...place, thread }, ts: `${seconds}.${micros}` };
}
