import type { Check } from '../diagnose/doctor.ts';
import type { Lookup, Person, Standing } from '../ports/people.ts';
import { isGroup } from '../approvals/policy.ts';
import type { Policy } from '../approvals/policy.ts';
import type { Rules } from '../approvals/permissions.ts';

/** Slack answers 20 questions about groups a minute, and a vote may need some of them just then. */
const mostLookups = 15;

/** For doctor, before the night it matters: whether those who are named can be found in Slack, and count. */
export async function checkPeople({ policy, people }: Rules): Promise<Check[]> {
  const named = namesIn(policy);
  if (named.length === 0) return [];
  const lookups = await Promise.all(
    named.slice(0, mostLookups).map(async (id): Promise<Found> => {
      if (!isGroup(id)) return ofPerson(id, await people.readPerson(id));
      return ofGroup(id, await people.readGroup(id));
    }),
  );
  const problems = [...unread(lookups), ...lookups.flatMap(({ check }) => check ?? [])];
  return problems.length > 0 ? problems : [allFound(named.length)];
}

interface Found {
  readonly id: string;
  /** Why Slack gave no answer. */
  readonly unread?: { readonly why: string; readonly fix: string };
  /** What is wrong with the answer it gave. */
  readonly check?: Check;
}

function namesIn({ options, breakGlass }: Policy): readonly string[] {
  const ids = Object.values(options).flatMap(({ proposers, approvers }) => [
    ...approvers,
    ...proposers,
  ]);
  return [...new Set([...ids, ...breakGlass.users])];
}

function ofPerson(id: string, lookup: Lookup<Person>): Found {
  if (!lookup.ok) return { id, unread: lookup };
  const { standing } = lookup.value;
  if (standing === 'member') return { id };
  const summary = `${id} is named under approval and does not count: ${kinds[standing]}.`;
  return {
    id,
    check: toSlackCheck('warning', summary, 'Name a full member of the workspace instead.'),
  };
}

const kinds: Readonly<Record<Exclude<Standing, 'member'>, string>> = {
  guest: 'a guest',
  bot: 'a bot',
  deactivated: 'the account is deactivated',
  stranger: 'a member of another workspace',
};

function ofGroup(id: string, lookup: Lookup<readonly string[]>): Found {
  if (!lookup.ok) return { id, unread: lookup };
  if (lookup.value.length > 0) return { id };
  const summary = `Nobody is in the user group ${id}, which is named under approval.`;
  return { id, check: toSlackCheck('warning', summary, 'Add people to it in Slack.') };
}

/** One line for each reason: a missing scope concerns everybody at once. */
function unread(found: readonly Found[]): Check[] {
  const reasons = new Map<string, { readonly fix: string; readonly ids: string[] }>();
  for (const { id, unread: problem } of found) {
    if (problem === undefined) continue;
    const known = reasons.get(problem.why);
    if (known === undefined) reasons.set(problem.why, { fix: problem.fix, ids: [id] });
    else known.ids.push(id);
  }
  return [...reasons].map(([why, { fix, ids }]) => {
    const about = ids.length > 3 ? `${ids.slice(0, 3).join(', ')} and others` : ids.join(', ');
    return toSlackCheck('missing', `No vote of ${about} would count: ${why}`, fix);
  });
}

function allFound(count: number): Check {
  const lookups = Math.min(count, mostLookups);
  const named = 'people and user groups named under approval';
  const sentence =
    lookups === count
      ? `All ${named} count: ${count}.`
      : `The first ${lookups} of ${count} ${named} count.`;
  return toSlackCheck('ok', sentence);
}

function toSlackCheck(state: Check['state'], summary: string, fix?: string): Check {
  return { subject: 'Slack', state, summary, ...(fix !== undefined && { fix }) };
}
