import type { Check } from '../diagnose/doctor.ts';
import { Action, nameOf } from '../remedies/remedy-request.ts';
import { capital } from '../snapshot/words.ts';
import type { ApprovalDeps } from './context.ts';
import type { Lookup, Person, Standing } from './people.ts';
import type { Rules } from './permissions.ts';
import { canReach, isGroup, readOptionPolicy } from './policy.ts';
import type { OptionPolicy, Policy } from './policy.ts';

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

type Ports = Pick<ApprovalDeps, 'approvalTargets' | 'policy'>;

/** The options that can be proposed for a target and approved by somebody. */
export function offersOf({ approvalTargets, policy }: Ports, target: string): readonly Action[] {
  if (policy.readOnly) return [];
  const { remedies = [], handOffs = [] } =
    approvalTargets.find(({ name }) => name === target) ?? {};
  const offered = new Set([...remedies, ...handOffs].map(({ option }) => option));
  return Action.options.filter((option) => {
    const optionPolicy = readOptionPolicy(policy, option);
    return offered.has(option) && canReach(optionPolicy, optionPolicy.votes);
  });
}

const actingUrl =
  'Set database.actingUrl of the target to a role that may do it: see deploy/grants.sql.';

/** What an option lacks where it is not set up for a target. */
const fixes: Readonly<Record<Action, string>> = {
  A: actingUrl,
  B: actingUrl,
  C: 'Set compose.project of the target.',
  D: actingUrl,
  E: 'Set compose.project and compose.directory of the target.',
  prepared: actingUrl,
  prevention: actingUrl,
};

/** For doctor: which options can run for a target, and what the others lack. */
export function checkOptions({ approvalTargets, policy }: Ports, target: string): Check[] {
  if (policy.readOnly) return [toCheck('off', 'This dbconn only looks: approval.readOnly is set.')];
  const { remedies = [], handOffs = [] } =
    approvalTargets.find(({ name }) => name === target) ?? {};
  const options = Action.options.map((option): Check => {
    if (remedies.some((remedy) => remedy.option === option)) return checkApprovers(policy, option);
    const isByHand = handOffs.some((handOff) => handOff.option === option);
    const approvers = checkApprovers(policy, option);
    if (isByHand && approvers.state === 'off') return approvers;
    const rest = isByHand
      ? 'runs by hand only: dbconn shows the commands and looks whether it helped.'
      : 'cannot be proposed: it is not set up for this target.';
    return toCheck('off', `${capital(nameOf(option))} ${rest}`, fixes[option]);
  });
  return [...options, ...checkBreakGlass(policy)];
}

function checkApprovers(policy: Policy, option: Action): Check {
  const optionPolicy = readOptionPolicy(policy, option);
  const { approvers, proposerMayVote } = optionPolicy;
  const votes = mostVotes(optionPolicy);
  const people = new Set(approvers).size;
  const name = capital(nameOf(option));
  if (!canReach(optionPolicy, votes)) {
    const lack = `it needs ${votes} ${votes === 1 ? 'approver' : 'approvers'} and has ${people}`;
    const fix = `Name Slack ids of people or user groups as approval.${option}.approve in dbconn.yml.`;
    return toCheck('off', `${name} cannot run: ${lack}.`, fix);
  }
  if (approvers.some(isGroup)) {
    return toCheck('ok', `${name} can be proposed; ${needed(votes)} of its approvers’ groups.`);
  }
  if (people === votes && !proposerMayVote) {
    const summary = `${name} has as many approvers as it needs votes, and nobody approves their own proposal.`;
    return toCheck('warning', summary, `Name one approver more: approval.${option}.approve.`);
  }
  return toCheck('ok', `${name} can be proposed, and ${people} people may approve it.`);
}

/** What is offered must be reachable in each of its forms. */
function mostVotes({ votes, clusterWideVotes }: OptionPolicy): number {
  return Math.max(votes, clusterWideVotes);
}

function needed(votes: number): string {
  return votes === 1 ? 'it needs one vote' : `it needs ${votes} votes`;
}

/** An exception that is on should be seen to be on. */
function checkBreakGlass({ breakGlass: { users, terminal, actions } }: Policy): Check[] {
  const people = users.length + terminal.length;
  if (people === 0 || actions.length === 0) return [];
  const which = actions.map(nameOf).join(', ');
  const summary = `Break-glass is on: ${people} named ${people === 1 ? 'person' : 'people'} may run ${which} without votes.`;
  return [
    toCheck('warning', summary, 'Empty approval.breakGlass in dbconn.yml if that is not meant.'),
  ];
}

function toCheck(state: Check['state'], summary: string, fix?: string): Check {
  return { subject: 'Configuration', state, summary, ...(fix !== undefined && { fix }) };
}
