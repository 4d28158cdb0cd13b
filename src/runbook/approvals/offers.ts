import { worstFirst } from '../diagnose/doctor.ts';
import type { Check } from '../diagnose/doctor.ts';
import { Action, nameOf } from '../remedies/remedy-request.ts';
import type { Contacts } from '../snapshot/target.ts';
import { capital, count, list } from '../snapshot/words.ts';
import type { ApprovalDeps } from './context.ts';
import type { Lookup, Person, Standing } from './people.ts';
import type { Rules } from './permissions.ts';
import { canReach, isGroup, readOptionPolicy } from './policy.ts';
import type { OptionPolicy, Policy } from './policy.ts';

/** Slack answers 20 questions about groups a minute, and a vote may need some of them just then. */
const mostLookups = 15;

/**
 * For doctor: whether those who are named for votes, and a target's contacts, can be found in Slack, and whether as many
 * of them count as an option needs.
 */
export async function checkPeople(
  { policy, people }: Rules,
  contacts: Contacts = {},
): Promise<Check[]> {
  const approving = namesIn(policy);
  const called = Object.entries(contacts);
  const named = [...new Set([...approving, ...called.map(([, id]) => id)])];
  if (named.length === 0) return [];
  const lookups = await Promise.all(
    named.slice(0, mostLookups).map(async (id): Promise<Found> => {
      const place = placesOf(id, approving, contacts);
      if (!isGroup(id)) return ofPerson(id, place, await people.readPerson(id));
      return ofGroup(id, place, await people.readGroup(id));
    }),
  );
  const problems = [
    ...unread(lookups),
    ...lookups.flatMap(({ check }) => check ?? []),
    ...tooFew(policy, lookups),
  ];
  return problems.length > 0 ? problems : [allFound(named.length)];
}

/** The key of dbconn.yml that names this id. */
function placesOf(id: string, approving: readonly string[], contacts: Contacts): string {
  if (approving.includes(id)) return 'approval';
  const [role = ''] = Object.entries(contacts).find(([, contact]) => contact === id) ?? [];
  return `contacts.${role}`;
}

interface Found {
  readonly id: string;
  /** Whom it stands for, as far as they count. */
  readonly members: readonly string[];
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

function ofPerson(id: string, place: string, lookup: Lookup<Person>): Found {
  if (!lookup.ok) return { id, members: [], unread: lookup };
  const { id: person, standing } = lookup.value;
  if (standing === 'member') return { id, members: [person] };
  // A guest may be a contact: escalations need no vote.
  if (standing === 'guest' && place !== 'approval') return { id, members: [] };
  const summary = `${id} in ${place} does not count: ${kinds[standing]}.`;
  const fix = 'Name a full member of the workspace instead.';
  return { id, members: [], check: toSlackCheck('warning', summary, fix) };
}

const kinds: Readonly<Record<Exclude<Standing, 'member'>, string>> = {
  guest: 'a guest',
  bot: 'a bot',
  deactivated: 'the account is deactivated',
  stranger: 'a member of another workspace',
};

function ofGroup(id: string, place: string, lookup: Lookup<readonly string[]>): Found {
  if (!lookup.ok) return { id, members: [], unread: lookup };
  if (lookup.value.length > 0) return { id, members: lookup.value };
  const summary = `The user group ${id} in ${place} is empty.`;
  return { id, members: [], check: toSlackCheck('warning', summary, 'Add people to it in Slack.') };
}

/** An option whose approvers were all found, and are fewer than its votes. Who could not be looked up may be enough. */
function tooFew(policy: Policy, found: readonly Found[]): Check[] {
  const byId = new Map(found.map((one) => [one.id, one]));
  return Action.options.flatMap((option) => {
    const optionPolicy = readOptionPolicy(policy, option);
    const approvers = optionPolicy.approvers.map((id) => byId.get(id));
    if (approvers.length === 0) return [];
    if (approvers.some((one) => one === undefined || one.unread !== undefined)) return [];
    const votes = mostVotes(optionPolicy);
    const people = new Set(approvers.flatMap((one) => one?.members ?? [])).size;
    if (people >= votes) return [];
    const summary = `${capital(nameOf(option))} needs ${count(votes, 'vote')}, and ${count(people, 'approver')} can give one.`;
    const fix = `Name more full members under approval.${option}.approve in dbconn.yml.`;
    return [{ ...toSlackCheck('missing', summary, fix), stops: [option] }];
  });
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
    return toSlackCheck('missing', `${about} cannot be checked: ${why}`, fix);
  });
}

function allFound(total: number): Check {
  const named = 'people and groups of dbconn.yml';
  const sentence =
    total <= mostLookups
      ? `All ${named} are in Slack: ${total}.`
      : `The first ${mostLookups} of ${total} ${named} are in Slack.`;
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

/**
 * For doctor: whether each option can run here, and what it lacks, said once of all that lack the same; then what else
 * was found. A check that such a line repeats is not listed again.
 */
export function checkOptions(
  { approvalTargets, policy }: Ports,
  target: string,
  found: readonly Check[],
): Check[] {
  if (policy.readOnly) {
    return [toCheck('off', 'This dbconn changes nothing: approval.readOnly is set.'), ...found];
  }
  const approvers = Action.options.flatMap((option) => readOptionPolicy(policy, option).approvers);
  if (approvers.length === 0) return [withoutApprovers, ...checkBreakGlass(policy), ...found];
  const { remedies = [], handOffs = [] } =
    approvalTargets.find(({ name }) => name === target) ?? {};
  const stopped = new Map<Check, Action[]>();
  const byHand = new Map<string, Action[]>();
  const others = Action.options.flatMap((option): Check[] => {
    const isRemedy = remedies.some((remedy) => remedy.option === option);
    const isByHand = handOffs.some((handOff) => handOff.option === option);
    const approvers = checkApprovers(policy, option);
    if ((isRemedy || isByHand) && approvers.state === 'off') return [approvers];
    if (isByHand && !isRemedy) return collect(byHand, fixes[option], option);
    if (!isRemedy) {
      const rest = 'cannot run: it is not set up for this target.';
      return [toCheck('off', `${capital(nameOf(option))} ${rest}`, fixes[option])];
    }
    const reason = worstFirst(found).find(
      ({ state, stops }) => state !== 'ok' && stops?.includes(option) === true,
    );
    return reason === undefined ? [approvers] : collect(stopped, reason, option);
  });
  return [
    ...[...stopped].map(([{ state, summary, fix }, options]) => {
      const words = state === 'warning' ? 'may not run' : 'cannot run';
      return toCheck(state, `${namesOf(options)} ${words}. ${summary}`, fix);
    }),
    ...[...byHand].map(([fix, options]) => {
      const words = `${options.length === 1 ? 'runs' : 'run'} by hand`;
      const rest = 'dbconn shows the commands and checks the outcome.';
      return toCheck('off', `${namesOf(options)} ${words}: ${rest}`, fix);
    }),
    ...others,
    ...checkBreakGlass(policy),
    ...found.filter((check) => !stopped.has(check)),
  ];
}

/** Options that lack the same share a line. */
function collect<K>(groups: Map<K, Action[]>, key: K, option: Action): [] {
  groups.set(key, [...(groups.get(key) ?? []), option]);
  return [];
}

function namesOf(options: readonly Action[]): string {
  return capital(list(options.map(nameOf)));
}

/** One line instead of one for each option: all of them lack the same. So it is without dbconn.yml too. */
const withoutApprovers = toCheck(
  'off',
  'Options A to E cannot run: no approver is named.',
  'Name people or groups under approval in dbconn.yml: see docs/dbconn.example.yml.',
);

function checkApprovers(policy: Policy, option: Action): Check {
  const optionPolicy = readOptionPolicy(policy, option);
  const { approvers, proposerMayVote } = optionPolicy;
  const votes = mostVotes(optionPolicy);
  const people = new Set(approvers).size;
  const name = capital(nameOf(option));
  if (!canReach(optionPolicy, votes)) {
    const summary = `${name} cannot run: it needs ${count(votes, 'approver')} and has ${people}.`;
    const fix = `Name Slack ids of people or user groups as approval.${option}.approve in dbconn.yml.`;
    return toCheck('off', summary, fix);
  }
  const needs = `it needs ${count(votes, 'vote')}`;
  if (approvers.some(isGroup)) {
    return toCheck('ok', `${name} can run: ${needs} of its approvers’ groups.`);
  }
  if (people === votes && !proposerMayVote) {
    const summary = `${name} cannot run when an approver proposes it: ${needs} and has ${count(people, 'approver')}.`;
    return toCheck('warning', summary, `Add an approver: approval.${option}.approve.`);
  }
  return toCheck('ok', `${name} can run: ${needs} of ${count(people, 'approver')}.`);
}

/** What is offered must be reachable in each of its forms. */
function mostVotes({ votes, clusterWideVotes }: OptionPolicy): number {
  return Math.max(votes, clusterWideVotes);
}

/** An exception that is on should be seen to be on. */
function checkBreakGlass({ breakGlass: { users, terminal, actions } }: Policy): Check[] {
  const people = users.length + terminal.length;
  if (people === 0 || actions.length === 0) return [];
  const which = actions.map(nameOf).join(', ');
  const who = count(people, 'named person', 'named people');
  const summary = `Break-glass is on: ${who} may run ${which} without approvals.`;
  return [
    toCheck('warning', summary, 'Clear approval.breakGlass in dbconn.yml if this is not intended.'),
  ];
}

function toCheck(state: Check['state'], summary: string, fix?: string): Check {
  return { subject: 'Configuration', state, summary, ...(fix !== undefined && { fix }) };
}
