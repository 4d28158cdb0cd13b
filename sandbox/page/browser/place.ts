/** Where a person is looking. The address bar holds it, so that two windows can be two people. */
export type Place =
  | { readonly kind: 'channel'; readonly id: string; readonly thread?: string }
  | { readonly kind: 'app'; readonly tab: AppTab; readonly thread?: string };

export type AppTab = 'home' | 'messages';

export interface Whereabouts {
  readonly user: string | undefined;
  readonly place: Place | undefined;
}

export function readAddress(search: string): Whereabouts {
  const query = new URLSearchParams(search);
  const inside = query.get('in');
  const thread = query.get('thread');
  const user = query.get('as') ?? undefined;
  if (inside === null) return { user, place: undefined };
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
  return `?${query.toString()}`;
}
