import { WebAPIPlatformError, WebAPIRateLimitedError, WebClient } from '@slack/web-api';
import type { UsersInfoResponse } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Clock } from '../runbook/ports.ts';
import type { Looked, People, Standing } from '../runbook/ports/people.ts';
import { clientOptions } from './client-options.ts';

export interface PeopleOptions {
  readonly botToken: string;
  readonly apiUrl?: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
}

/**
 * How long an answer of Slack's holds: short enough that who was just taken out of a group cannot vote for long,
 * long enough for Slack's 20 calls a minute.
 */
const freshMs = 30_000;
/** More people than this at one incident, and the oldest answers are asked for again. */
const mostKept = 500;

/** Looks people up in Slack, on a client of its own: a limit on these calls holds back no message. */
export function createPeople({ botToken, apiUrl, clock, log }: PeopleOptions): People {
  const client = new WebClient(
    botToken,
    clientOptions({ log, ...(apiUrl !== undefined && { apiUrl }) }),
  );
  const standings = createMemory<Looked<Standing>>(clock);
  const groups = createMemory<Looked<readonly string[]>>(clock);
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
    readStanding: (user) =>
      standings(user, () =>
        looked('users:read', log, async () => {
          const { info } = client.users;
          const [home, answer] = await Promise.all([ownTeam(), info({ user })]);
          return toStanding(answer.user, home);
        }),
      ),
    readGroup: (usergroup) =>
      groups(usergroup, () =>
        looked('usergroups:read', log, async () => {
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

async function looked<T>(
  scope: string,
  log: Logger,
  ask: () => Promise<T | undefined>,
): Promise<Looked<T>> {
  try {
    const value = await ask();
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

type Memory<T> = (key: string, read: () => Promise<T>) => Promise<T>;

/** Answers from memory while they are fresh, and asks once for many who want the same. A failure is not kept. */
function createMemory<T extends { readonly ok: boolean }>(clock: Pick<Clock, 'now'>): Memory<T> {
  const kept = new Map<string, { readonly atMs: number; readonly answer: Promise<T> }>();
  return async (key, read) => {
    const known = kept.get(key);
    if (known !== undefined && clock.now() - known.atMs < freshMs) return known.answer;
    const answer = read();
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
