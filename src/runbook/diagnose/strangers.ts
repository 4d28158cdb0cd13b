import type { Budget, Capacity, Source } from './diagnosis.ts';
import type { DatabaseReading } from '../snapshot/snapshot.ts';
import type { Target } from '../snapshot/target.ts';
import { count, sum } from '../snapshot/words.ts';

/** Clients of no configured service that hold most of what is used, while a configured one holds little. */
export interface Strangers {
  readonly holds: number;
  readonly sources: readonly Source[];
  /** Configured services that are squeezed out: nothing is ever taken from them. */
  readonly victims: readonly string[];
  /** Whom a connection limit would hold back, and at how many; absent where it would hit a service too. */
  readonly limit?: { readonly role: string; readonly to: number; readonly holds: number };
}

interface StrangersInput {
  readonly target: Target;
  readonly reading: DatabaseReading | undefined;
  readonly capacity: Capacity | null;
  readonly sources: readonly Source[];
  readonly budget: Budget;
}

/** From this share of what is used on, whoever holds it is the subject. */
const mostShare = 0.5;
/** A service that holds less than this share is no cause. */
const victimShare = 0.2;
/** What a limit leaves to everybody, as pools do. */
const plannedShare = 0.8;

/**
 * Whether strangers hold most: sessions of no configured service and no pooler, dbconn's own excepted. Where no service holds any
 * session, sessions cannot be told apart here, and nobody is a stranger.
 */
export function findStrangers(input: StrangersInput): Strangers | null {
  const { reading, capacity, budget, sources } = input;
  if (reading === undefined || capacity === null || capacity.used === 0) return null;
  const strange = sources.filter(
    ({ service, kind, pooler }) => service === null && kind !== 'own' && pooler === undefined,
  );
  const holds = sum(strange.map(({ total }) => total));
  const served = budget.lines.filter((line) => (line.holds ?? 0) > 0);
  if (served.length === 0 || holds < capacity.used * mostShare) return null;
  const victims = served.filter((line) => (line.holds ?? 0) < capacity.used * victimShare);
  const limit = limitOf(strange, input);
  return {
    holds,
    sources: strange,
    victims: victims.map(({ service }) => service),
    ...(limit !== undefined && { limit }),
  };
}

/** `90 of 97 connections belong to no configured service: 45 clients.` */
export function describeStrangers({ holds, sources }: Strangers, used: number): string {
  const clients = new Set(sources.map(({ client }) => client)).size;
  return `${holds} of ${count(used, 'connection')} belong to no configured service: ${count(clients, 'client address', 'client addresses')}.`;
}

/** The role that holds most of them, unless a service logs in as it too, or it is one that no limit binds. */
function limitOf(strange: readonly Source[], input: StrangersInput): Strangers['limit'] {
  const { reading, capacity, sources, budget } = input;
  const shared = new Set(sources.filter(({ service }) => service !== null).map(({ user }) => user));
  const free = new Set((reading?.superuserRoles ?? []).map(({ name }) => name));
  const [largest] = [...Map.groupBy(strange, ({ user }) => user)]
    .filter(([user]) => user !== null && !shared.has(user) && !free.has(user ?? ''))
    .map(([user, held]) => ({ role: user ?? '', holds: sum(held.map(({ total }) => total)) }))
    .toSorted((a, b) => b.holds - a.holds);
  if (largest === undefined || capacity === null) return undefined;
  // The services may come back to what their pools may open.
  const needed = sum(
    budget.lines.map(({ mayOpen, holds }) => Math.max(0, toNumber(mayOpen) - (holds ?? 0))),
  );
  const rest = capacity.used - largest.holds;
  const room = Math.floor(capacity.usable * plannedShare) - rest - needed;
  return { ...largest, to: Math.max(1, Math.min(room, largest.holds - 1)) };
}

function toNumber(mayOpen: Budget['mayOpen']): number {
  return typeof mayOpen === 'number' ? mayOpen : 0;
}
