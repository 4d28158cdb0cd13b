import { refuse } from '../remedies/remedy.ts';
import type { Refusal } from '../remedies/remedy.ts';
import { isGroup, slackIdOf } from './policy.ts';
import type { Policy } from './policy.ts';
import type { Actor } from './request.ts';

/** What Slack knows of people and user groups at this moment. Never throws. */
export interface People {
  /** A person, by any Slack user id of theirs. */
  readPerson(user: string): Promise<Lookup<Person>>;
  /** The user ids in a user group `S…`. */
  readGroup(group: string): Promise<Lookup<readonly string[]>>;
}

export interface Person {
  /** The same for every id a person has: an Enterprise Grid knows one by `U…` and by `W…`. */
  readonly id: string;
  /** What they are in the workspace dbconn is installed in. */
  readonly standing: Standing;
}

/** Only a member may decide anything. A stranger belongs to another workspace, as in a shared channel. */
export type Standing = 'member' | 'guest' | 'bot' | 'deactivated' | 'stranger';

/** `why` and `fix` are sentences without text from elsewhere. What could not be checked is a no. */
export type Lookup<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: string; readonly fix: string };

const mostMentions = 5;

/** `<@U1> or <@U2>`, at most five, so that a refusal stays a sentence. Slack renders ids as names. */
export function mentions(ids: readonly string[]): string {
  if (ids.length === 0) return 'an approver';
  const shown = ids.slice(0, mostMentions).map(mentionOf);
  return ids.length > mostMentions ? `${shown.join(', ')} or another of them` : shown.join(' or ');
}

type Membership =
  | { readonly kind: 'among' }
  /** `note` says what kept the named groups from helping; empty where nothing did. */
  | { readonly kind: 'not-among'; readonly note: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/**
 * Whether a Slack user is one of the persons and user groups named, right now. What cannot be looked up is a no:
 * an old answer, or none, would let somebody vote who has left.
 */
export async function checkMembership(
  people: People,
  user: string,
  named: readonly string[],
): Promise<Membership> {
  const found = await findAmong(people, user, named);
  return found.kind === 'among' ? checkStanding(people, user) : found;
}

async function findAmong(
  people: People,
  user: string,
  named: readonly string[],
): Promise<Membership> {
  if (named.includes(user)) return { kind: 'among' };
  const groups = await Promise.all(
    named.filter(isGroup).map(async (id) => ({ id, lookup: await people.readGroup(id) })),
  );
  if (groups.some(({ lookup }) => lookup.ok && lookup.value.includes(user))) {
    return { kind: 'among' };
  }
  // One that could not be read may have them: that is no, but another no than not being named.
  const unread = groups.flatMap(({ id, lookup }) => (lookup.ok ? [] : [{ id, lookup }]));
  const [first] = unread;
  if (first !== undefined) {
    const about = `Who belongs to ${mentions([first.id])} could not be checked`;
    return { kind: 'refused', refusal: refuseUnread(about, first.lookup) };
  }
  const empty = groups.filter(({ lookup }) => lookup.ok && lookup.value.length === 0);
  const note =
    empty.length === 0 ? '' : ` ${mentions(empty.map(({ id }) => id))} has no members now.`;
  return { kind: 'not-among', note };
}

async function checkStanding(people: People, user: string): Promise<Membership> {
  const lookup = await people.readPerson(user);
  if (!lookup.ok) {
    const about = 'Whether you are a member of the workspace could not be checked';
    return { kind: 'refused', refusal: refuseUnread(about, lookup) };
  }
  const { standing } = lookup.value;
  if (standing === 'member') return { kind: 'among' };
  const { refusal } = refuse(
    'not-a-member',
    standings[standing],
    'A full member of the workspace has to do it.',
  );
  return { kind: 'refused', refusal };
}

const standings: Readonly<Record<Exclude<Standing, 'member'>, string>> = {
  guest: 'You are a guest in this workspace, and guests cannot decide.',
  bot: 'Bots cannot decide.',
  deactivated: 'This account is deactivated.',
  stranger: 'You belong to another workspace, so you cannot decide here.',
};

/** For what could not be checked: a no, with its reason. */
export function refuseUnread(
  about: string,
  { why, fix }: Extract<Lookup<never>, { ok: false }>,
): Refusal {
  return refuse('not-looked-up', `${about}, so it counts as no: ${why}`, fix).refusal;
}

/** For a process that does not speak to Slack, such as the terminal: nobody there can be looked up. */
export const nobodyKnown: People = {
  readPerson: () => Promise.resolve(unknown),
  readGroup: () => Promise.resolve(unknown),
};

const unknown: Lookup<never> = {
  ok: false,
  why: 'this process has no connection to Slack.',
  fix: 'Do it in Slack.',
};

/**
 * Whether two actors are one person, by whatever entrance each came. Equal ids are, whatever workspace is named beside
 * them; on an Enterprise Grid so are two ids that Slack says belong together, which is looked up.
 */
export async function isSamePerson(
  { policy, people }: { readonly policy: Policy; readonly people: People },
  one: Actor,
  other: Actor,
): Promise<Lookup<boolean>> {
  if (one.id === other.id && one.via === other.via) return yes;
  const ids = [slackIdOf(policy, one), slackIdOf(policy, other)] as const;
  const [first, second] = ids;
  if (first === undefined || second === undefined) return no;
  if (first === second) return yes;
  const [a, b] = await Promise.all([people.readPerson(first), people.readPerson(second)]);
  if (!a.ok) return a;
  return b.ok ? { ok: true, value: a.value.id === b.value.id } : b;
}

const yes: Lookup<boolean> = { ok: true, value: true };
const no: Lookup<boolean> = { ok: true, value: false };

/** `S…` is a user group, anything else a person. */
export function mentionOf(id: string): string {
  return id.startsWith('S') ? `<!subteam^${id}>` : `<@${id}>`;
}
