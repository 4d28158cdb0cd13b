import { WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import type { UsersInfoResponse, WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Lookup, People, Person, Standing } from '../runbook/approvals/people.ts';
import type { Actor } from '../runbook/approvals/request.ts';
import type { Clock } from '../timing.ts';

/** Looks people up in Slack. No answer is older than its question; many who ask the same at once share one call. */
export function createPeople(client: WebClient, log: Logger): People {
  const persons = createShared<Lookup<Person>>();
  const groups = createShared<Lookup<readonly string[]>>();
  let team: Promise<string> | undefined;
  const ownTeam = (): Promise<string> => {
    team ??= readOwnTeam(client).catch((error: unknown) => {
      // Asked for again next time: a process that came up without Slack would stay without it.
      team = undefined;
      throw error;
    });
    return team;
  };
  return {
    readPerson: (user) =>
      persons(user, () =>
        lookUp('users:read', log, async () => {
          const { info } = client.users;
          const [home, answer] = await Promise.all([ownTeam(), info({ user })]);
          return toPerson(answer.user, home);
        }),
      ),
    readGroup: (usergroup) =>
      groups(usergroup, () =>
        lookUp('usergroups:read', log, async () => {
          const { list } = client.usergroups.users;
          const { users } = await list({ usergroup, include_disabled: false });
          return users;
        }),
      ),
  };
}

async function readOwnTeam(client: WebClient): Promise<string> {
  const { team_id: id } = await client.auth.test();
  if (id === undefined) throw new Error('Slack did not say which workspace the token belongs to.');
  return id;
}

type SlackUser = NonNullable<UsersInfoResponse['user']>;

/** By the id the whole organisation knows a person by, where there is one (Slack documentation, Enterprise Grid). */
function toPerson(user: SlackUser | undefined, home: string): Person | undefined {
  const id = user?.enterprise_user?.id ?? user?.id;
  const standing = toStanding(user, home);
  return id === undefined || standing === undefined ? undefined : { id, standing };
}

/** Undefined where Slack leaves out what it depends on: that is no answer, and not a member. */
function toStanding(user: SlackUser | undefined, home: string): Standing | undefined {
  if (user === undefined) return undefined;
  if (user.deleted === true) return 'deactivated';
  if (user.is_bot === true || user.is_workflow_bot === true || user.is_connector_bot === true) {
    return 'bot';
  }
  // On an Enterprise Grid one person belongs to several workspaces.
  const isHere = user.team_id === home || (user.enterprise_user?.teams ?? []).includes(home);
  if (user.is_stranger === true || !isHere) return 'stranger';
  if (user.is_restricted === true || user.is_ultra_restricted === true) return 'guest';
  return user.is_restricted === false && user.is_ultra_restricted === false ? 'member' : undefined;
}

async function lookUp<T>(
  scope: string,
  log: Logger,
  query: () => Promise<T | undefined>,
): Promise<Lookup<T>> {
  try {
    const value = await query();
    if (value !== undefined) return { ok: true, value };
    return { ok: false, why: 'Slack’s answer does not say it.', fix: 'See dbconn’s log.' };
  } catch (err) {
    log.warn({ err, scope }, 'Slack could not be asked about a person or a group');
    return { ok: false, ...explain(err, scope) };
  }
}

function explain(error: unknown, scope: string): { why: string; fix: string } {
  if (error instanceof WebAPIRateLimitedError) {
    const fix = `Try again in ${Math.max(1, Math.ceil(error.retryAfter))} s.`;
    return { why: 'Slack takes no more questions for a moment.', fix };
  }
  if (!(error instanceof WebAPIPlatformError)) {
    return { why: 'Slack did not answer.', fix: 'Try again in a moment.' };
  }
  switch (error.data.error) {
    case 'missing_scope':
      return {
        why: `the bot lacks the scope ${scope}.`,
        fix: `Add ${scope} under "OAuth & Permissions" and reinstall the app.`,
      };
    case 'no_such_subteam':
      return {
        why: 'Slack has no such group, or it is disabled.',
        fix: 'Correct its id in dbconn.yml, or name people there.',
      };
    case 'plan_upgrade_required':
      return {
        why: 'this workspace’s plan has no user groups.',
        fix: 'Name people instead in dbconn.yml.',
      };
    case 'user_not_found':
    case 'user_not_visible':
      return {
        why: 'Slack knows no such person in this workspace.',
        fix: 'A full member of the workspace has to do it.',
      };
    default:
      return { why: `Slack says ${error.data.error}.`, fix: 'See /dbconn doctor.' };
  }
}

type Shared<T> = (key: string, read: () => Promise<T>) => Promise<T>;

/** A caller who asks while an answer is under way waits for the next one: the present one may be older than the question. */
function createShared<T>(): Shared<T> {
  const underWay = new Map<string, Promise<T>>();
  const next = new Map<string, Promise<T>>();
  const query = async (key: string, read: () => Promise<T>): Promise<T> => {
    await underWay.get(key);
    next.delete(key);
    const answer = read();
    underWay.set(key, answer);
    try {
      return await answer;
    } finally {
      if (underWay.get(key) === answer) underWay.delete(key);
    }
  };
  return (key, read) => {
    const shared = next.get(key) ?? query(key, read);
    next.set(key, shared);
    return shared;
  };
}

/** Twice a minute for each Home tab that is open: Slack answers 20 questions about groups a minute. */
const freshMs = 30_000;
/** More people than this at one incident, and the oldest answers are asked for again. */
const mostKept = 500;

/** Answers up to 30 s old, for what is shown. Never for what is decided. */
export function rememberPeople(people: People, clock: Pick<Clock, 'now'>): People {
  return {
    readPerson: createMemory((user) => people.readPerson(user), clock),
    readGroup: createMemory((group) => people.readGroup(group), clock),
  };
}

/** Answers from memory while they are fresh, and asks once for many who want the same. A failure is not kept. */
function createMemory<T extends { readonly ok: boolean }>(
  read: (key: string) => Promise<T>,
  clock: Pick<Clock, 'now'>,
): (key: string) => Promise<T> {
  const kept = new Map<string, { readonly atMs: number; readonly answer: Promise<T> }>();
  return async (key) => {
    const known = kept.get(key);
    if (known !== undefined && Math.abs(clock.now() - known.atMs) < freshMs) return known.answer;
    const answer = read(key);
    const entry = { atMs: clock.now(), answer };
    kept.delete(key);
    kept.set(key, entry);
    const [oldest] = kept.keys();
    if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest);
    const found = await answer;
    if (!found.ok && kept.get(key) === entry) kept.delete(key);
    return found;
  };
}

/** Who did something, as Slack itself says it: the ids of the person and of the workspace they belong to. */
export function toActor(id: string, team: string | null | undefined): Actor {
  return { id, via: 'slack', ...(typeof team === 'string' && team !== '' && { team }) };
}
