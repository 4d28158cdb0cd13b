import type { Lookup, People } from '../ports/people.ts';
import type { Actor } from './actor.ts';
import { slackIdOf } from '../approvals/policy.ts';
import type { Policy } from '../approvals/policy.ts';

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
