import type { Lookup, People, Standing } from '../ports/people.ts';
import { refuse } from '../remedies/remedy.ts';
import type { Refusal } from '../remedies/remedy.ts';
import { mentions } from './mentions.ts';
import { isGroup } from '../approvals/policy.ts';

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
    const about = `Who belongs to ${mentions([first.id])} could not be looked up`;
    return { kind: 'refused', refusal: refuseUnread(about, first.lookup) };
  }
  const empty = groups.filter(({ lookup }) => lookup.ok && lookup.value.length === 0);
  const note =
    empty.length === 0 ? '' : ` Nobody is in ${mentions(empty.map(({ id }) => id))} at present.`;
  return { kind: 'not-among', note };
}

async function checkStanding(people: People, user: string): Promise<Membership> {
  const lookup = await people.readPerson(user);
  if (!lookup.ok) {
    const about = 'Whether you are a member of the workspace could not be looked up';
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
  guest: 'You are a guest in this workspace, and guests decide nothing here.',
  bot: 'A bot decides nothing here.',
  deactivated: 'This account is deactivated and decides nothing any more.',
  stranger: 'You belong to another workspace, and decide nothing in this one.',
};

/** For what could not be looked up: a no, with its reason. */
export function refuseUnread(
  about: string,
  { why, fix }: Extract<Lookup<never>, { ok: false }>,
): Refusal {
  return refuse('not-looked-up', `${about}, so it counts as no: ${why}`, fix).refusal;
}
