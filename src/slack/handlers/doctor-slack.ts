import { WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import type { BlocksValidateArguments, WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { People } from '../../runbook/approvals/people.ts';
import type { Check } from '../../runbook/diagnose/doctor.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import { count, list } from '../../runbook/snapshot/words.ts';
import { createTurns, systemClock, within } from '../../timing.ts';
import { createClient } from '../connection/client.ts';
import { refusalFix } from '../live/refusals.ts';
import { fallbacksOf } from '../messages/kit/fallbacks.ts';
import type { Dialect } from '../messages/kit/fallbacks.ts';
import { take } from '../messages/kit/message.ts';
import { notice } from '../messages/notice.ts';
import { createPeople } from '../people.ts';
import { makeExamples } from './examples.ts';
import type { Examples } from './examples.ts';
import { defaultReplyTimeouts } from './in-flight.ts';
import type { ReplyTimeouts } from './in-flight.ts';

/**
 * Every method of Slack's Web API that dbconn calls, with the scopes Slack wants for it; null for none.
 *
 * @internal The sources are searched for what they really call, and only a test does that.
 */
export const scopeOf = {
  'auth.test': null,
  'blocks.validate': null,
  'chat.delete': 'chat:write',
  'chat.getPermalink': null,
  'chat.postMessage': 'chat:write',
  'chat.postEphemeral': 'chat:write',
  'chat.update': 'chat:write',
  'conversations.history': ['channels:history', 'groups:history', 'im:history'],
  'conversations.open': 'im:write',
  'conversations.replies': ['channels:history', 'groups:history', 'im:history'],
  'files.completeUploadExternal': 'files:write',
  'files.getUploadURLExternal': 'files:write',
  'views.open': null,
  'views.publish': null,
  'views.update': null,
  'users.info': 'users:read',
  'usergroups.users.list': 'usergroups:read',
} as const;

/** Slash commands need a scope although they call no method. */
const scopeOfCommands = 'commands';

/** Scopes that dbconn does without, and what it then does worse. */
const optionalScopes: Readonly<Record<string, string>> = {
  'channels:history': 'dbconn may repeat itself in a public incident channel after a crash',
  'groups:history': 'dbconn may repeat itself in a private incident channel after a crash',
  'im:history': 'dbconn may repeat a direct message after a crash',
  'files:write': 'the report of an incident is text in its thread instead of a file',
  'im:write': 'dbconn may repeat a direct message after a crash',
};

/** The bot scopes of the manifest: these and no others. */
export function neededScopes(): string[] {
  const scopes = Object.values(scopeOf).flatMap((scope) => scope ?? []);
  return [...new Set([scopeOfCommands, ...scopes])].toSorted();
}

/**
 * Slack's own part of doctor for a target. The person who asks tries the incident channel; in a terminal there is none.
 * Never throws.
 */
export type DoctorSlack = (target: Target, user?: string) => Promise<readonly Check[]>;

interface DoctorSlackDeps {
  readonly client: WebClient;
  /** The incident channel's id. */
  readonly channel: string | undefined;
  readonly log: Logger;
  readonly replyTimeouts?: Pick<ReplyTimeouts, 'examplesMs'>;
}

export function createDoctorSlack(deps: DoctorSlackDeps): DoctorSlack {
  return async (target, user) => {
    const parts = await Promise.all([
      checkScopes(deps),
      checkChannel(deps, user),
      checkExamples(deps, makeExamples(target)),
    ]);
    return parts.flat();
  };
}

/** The same with a client of its own, and the people it can look up: for a terminal. */
export function createSlackCheck({
  botToken,
  channel,
  ...parts
}: {
  readonly botToken: string;
  readonly apiUrl?: string;
  readonly channel: string | undefined;
  readonly log: Logger;
}): { readonly checks: DoctorSlack; readonly people: People } {
  const client = createClient(botToken, parts);
  const { log } = parts;
  return {
    checks: createDoctorSlack({ client, channel, log }),
    people: createPeople(client, log),
  };
}

/** Slack sends the token's scopes along with every answer; auth.test needs none itself. */
async function checkScopes({ client, log }: DoctorSlackDeps): Promise<Check[]> {
  try {
    const { response_metadata: metadata } = await client.auth.test();
    const granted = metadata?.scopes;
    if (granted === undefined) {
      return [ofSlack('warning', 'Slack did not say which scopes the token has.')];
    }
    return judgeScopes(granted);
  } catch (err) {
    log.warn({ err }, 'Slack did not say which scopes the token has');
    const code = err instanceof WebAPIPlatformError ? ` (${err.data.error})` : '';
    const fix = 'Check SLACK_BOT_TOKEN and the way to Slack.';
    return [ofSlack('missing', `Slack did not answer auth.test${code}.`, fix)];
  }
}

function judgeScopes(granted: readonly string[]): Check[] {
  const fix = 'Add the scopes of manifest.yml under "OAuth & Permissions" and reinstall the app.';
  const lacking = neededScopes().filter((scope) => !granted.includes(scope));
  const isOptional = (scope: string): boolean => Object.hasOwn(optionalScopes, scope);
  const missing = lacking.filter((scope) => !isOptional(scope));
  const summary =
    missing.length > 0
      ? `The bot lacks ${missing.join(', ')}.`
      : `The bot has the scopes it needs: ${neededScopes()
          .filter((scope) => granted.includes(scope))
          .join(', ')}.`;
  const degraded = Object.entries(
    Object.groupBy(lacking.filter(isOptional), (scope) => optionalScopes[scope] ?? ''),
  ).map(([what, scopes = []]) => ofSlack('warning', `Without ${scopes.join(', ')}, ${what}.`, fix));
  const check = missing.length > 0 ? ofSlack('missing', summary, fix) : ofSlack('ok', summary);
  return [check, ...degraded];
}

/** Only posting shows whether the bot may post: a message that the asker alone sees for a while. */
async function checkChannel(
  { client, channel, log }: DoctorSlackDeps,
  user: string | undefined,
): Promise<Check[]> {
  if (channel === undefined) {
    const without =
      'No incident channel is configured, so only the person who asks sees an answer.';
    return [ofSlack('off', without, 'Set slack.channel in dbconn.yml to the id of #database.')];
  }
  if (user === undefined) {
    const untried = 'A terminal cannot try whether the bot can post in the incident channel.';
    return [ofSlack('off', untried, 'Ask for doctor in Slack.')];
  }
  const { postEphemeral } = client.chat;
  const { text } = notice('dbconn can post here. Only you see this.');
  try {
    await postEphemeral({ channel, user, text });
    return [ofSlack('ok', 'The bot can post in the incident channel.')];
  } catch (err) {
    log.warn({ err }, 'The incident channel could not be probed');
    return [ofProbe(err instanceof WebAPIPlatformError ? err.data.error : 'no answer')];
  }
}

function ofProbe(code: string): Check {
  switch (code) {
    case 'not_in_channel':
    case 'channel_not_found':
      return ofSlack('missing', 'The bot is not in the incident channel.', refusalFix(code));
    case 'user_not_in_channel':
      return ofSlack(
        'warning',
        'Only members of the incident channel can try whether the bot can post there.',
        'Join the incident channel and ask again.',
      );
    default:
      return ofSlack(
        'missing',
        `The bot cannot post in the incident channel (${code}).`,
        refusalFix(code),
      );
  }
}

/** Slack says of this method only that special limits apply. */
const mostAtOnce = 4;

/** What this workspace would refuse of what dbconn sends, and what people would see instead. Posts nothing. */
async function checkExamples(
  { client, log, replyTimeouts: { examplesMs } = defaultReplyTimeouts }: DoctorSlackDeps,
  { messages, views }: Examples,
): Promise<Check[]> {
  const turns = createTurns(mostAtOnce);
  const { validate } = client.blocks;
  const isTaken = (what: string, payload: BlocksValidateArguments): Promise<boolean> =>
    turns.take(async () => {
      try {
        await validate(payload);
        return true;
      } catch (err) {
        if (!isInvalid(err)) throw err;
        const errors: unknown = 'errors' in err.data ? err.data.errors : undefined;
        log.warn({ what, errors }, 'This workspace would refuse it');
        return false;
      }
    });
  try {
    const asked = Promise.all([
      Promise.all(
        messages.map(async (one) => ({ name: one[0], dialect: await say(one, isTaken) })),
      ),
      Promise.all(
        views.map(async ([name, view]) => ({ name, taken: await isTaken(name, { view }) })),
      ),
    ]);
    const answer = await within(asked, examplesMs, systemClock);
    if (answer === undefined) return [unchecked(`no answer within ${examplesMs / 1000} s`)];
    return judgeExamples(...answer);
  } catch (err) {
    log.warn({ err }, 'Slack did not check what dbconn sends');
    return [unchecked(whyUnchecked(err))];
  }
}

/** The richest way to say it that this workspace takes. Bare text needs no question. */
async function say(
  [name, message]: Examples['messages'][number],
  isTaken: (what: string, payload: BlocksValidateArguments) => Promise<boolean>,
): Promise<Dialect> {
  for (const { dialect, message: variant } of fallbacksOf(message, 'full')) {
    const { blocks } = variant;
    if (blocks.length === 0 || (await isTaken(name, { message: { blocks: [...blocks] } }))) {
      return dialect;
    }
  }
  return 'text-only';
}

function isInvalid(error: unknown): error is WebAPIPlatformError {
  return (
    error instanceof WebAPIPlatformError &&
    /^invalid_(?:blocks|message|view)/.test(error.data.error)
  );
}

function whyUnchecked(error: unknown): string {
  if (error instanceof WebAPIRateLimitedError) return 'too many questions; try again in a minute';
  return error instanceof WebAPIPlatformError ? error.data.error : 'no answer';
}

/** A workspace whose Slack does not know the method is none the worse for it. */
function unchecked(why: string): Check {
  return ofSlack('off', `Slack did not check what its workspace takes of dbconn (${why}).`);
}

function judgeExamples(
  messages: readonly { readonly name: string; readonly dialect: Dialect }[],
  views: readonly { readonly name: string; readonly taken: boolean }[],
): Check[] {
  const inDialect = (dialect: Dialect): string =>
    shortList(messages.filter((one) => one.dialect === dialect).map(({ name }) => name));
  const [folds, charts, tables, refused] = [
    inDialect('without-folds'),
    inDialect('without-charts'),
    inDialect('without-tables'),
    inDialect('text-only'),
  ];
  const closed = shortList(views.filter(({ taken }) => !taken).map(({ name }) => name));
  const fix = 'Update dbconn; the log names what Slack refuses.';
  const checks = [
    ...(refused === ''
      ? []
      : [ofSlack('missing', `Slack refuses ${refused}: people see one line of text.`, fix)]),
    ...(closed === '' ? [] : [ofSlack('missing', `Slack refuses the views ${closed}.`, fix)]),
    // Slack brings new blocks to one workspace after the other, and dbconn does without by itself.
    ...(folds === ''
      ? []
      : [ofSlack('off', `This workspace cannot fold: ${folds} shows its evidence unfolded.`)]),
    ...(charts === ''
      ? []
      : [ofSlack('off', `This workspace has no charts: ${charts} show figures as text.`)]),
    ...(tables === ''
      ? []
      : [ofSlack('off', `This workspace has no tables: ${tables} show rows as text.`)]),
  ];
  if (checks.length > 0) return checks;
  const counted = `${count(messages.length, 'message')} and ${count(views.length, 'view')}`;
  return [ofSlack('ok', `Slack takes an example of all ${counted} of dbconn.`)];
}

/** `status, idle and 4 more`: a sentence, and no list. */
function shortList(names: readonly string[]): string {
  const all = [...new Set(names)];
  const { taken, more } = take(all, 3);
  return more === 0 ? list(all) : `${taken.join(', ')} and ${more} more`;
}

function ofSlack(state: Check['state'], summary: string, fix?: string): Check {
  return { subject: 'Slack', state, summary, ...(fix !== undefined && { fix }) };
}
