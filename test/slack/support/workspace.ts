import { readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { parse } from 'yaml';
import { z } from 'zod';
import { identity } from '../../../sandbox/slack/identity.ts';
import { startRecordedSlack } from '../../record/recorded.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import type { SlackOptions } from '../../../sandbox/slack/options.ts';
import type { SlackMessage } from '../../../sandbox/slack/workspace.ts';
import { createLog } from '../../../src/log.ts';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { Diagnosis } from '../../../src/runbook/diagnose/diagnosis.ts';
import type { Check } from '../../../src/runbook/diagnose/doctor.ts';
import type { TargetMonitor } from '../../../src/runbook/loop/target-monitor.ts';
import { createSlackApp } from '../../../src/slack/app.ts';
import type { SlackApp } from '../../../src/slack/app.ts';
import { aDiagnosis, aTarget } from './diagnoses.ts';
import { patienceMs } from '../../support/until.ts';

export type SlackAppOptions = Parameters<typeof createSlackApp>[0];

export type Mode = 'socket' | 'http';

// Put together at run time, so that no scanner of repositories takes them for real ones.
export const botToken = ['xoxb', 'sandbox', 'bot'].join('-');
export const appToken = ['xapp', 'sandbox', 'app'].join('-');
export const signingSecret = 'sandbox-signing-secret';

/** #database, where the bot is; #random, where it is not. Ana is in both, Ben only in #random. */
export const database = 'C0DATABASE';
export const random = 'C0RANDOM00';
export const ana = 'U0ANA00000';
export const ben = 'U0BEN00000';

const Manifest = z.looseObject({});

/** manifest.yml, or the same with other scopes. */
export function readManifest(scopes?: readonly string[]): unknown {
  const manifest = Manifest.parse(parse(readFileSync('manifest.yml', 'utf8')));
  return scopes === undefined
    ? manifest
    : { ...manifest, oauth_config: { scopes: { bot: scopes } } };
}

export function openSlack(mode: Mode, changes: Partial<SlackOptions> = {}): Promise<LocalSlack> {
  return startRecordedSlack({
    manifest: readManifest(),
    mode,
    signingSecret,
    botToken,
    appToken,
    people: [
      { id: ana, name: 'ana', realName: 'Ana' },
      { id: ben, name: 'ben', realName: 'Ben' },
    ],
    channels: [
      { id: database, name: 'database', members: [ana, identity.botUserId] },
      { id: random, name: 'random', members: [ana, ben] },
    ],
    userGroups: [],
    rateLimits: false,
    ackTimeoutMs: patienceMs,
    ...changes,
  });
}

/** A runbook that answers at once with the same night, unless a test says otherwise. */
export function aMonitor(changes: Partial<TargetMonitor> = {}): TargetMonitor {
  return {
    targets: [aTarget(), aTarget({ name: 'billing.prod' })],
    diagnose: (target): Promise<Diagnosis> => Promise.resolve(aDiagnosis({ target })),
    runCheck: () => Promise.reject(new Error('Nobody looks in this test.')),
    doctor: (): Promise<readonly Check[]> =>
      Promise.resolve([{ subject: 'PostgreSQL', state: 'ok', summary: 'The role sees all.' }]),
    prevention: () => Promise.reject(new Error('Nobody asks for prevention in this test.')),
    close: () => Promise.resolve(),
    ...changes,
  };
}

/** The log's lines, as they were written. */
export function aLog(): { log: SlackAppOptions['log']; lines: string[] } {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'));
      done();
    },
  });
  return { log: createLog('info', destination), lines };
}

export function connectionFor(mode: Mode): SlackAppOptions['connection'] {
  return mode === 'socket'
    ? { kind: 'socket', appToken }
    : { kind: 'http', signingSecret, port: 0, host: '127.0.0.1' };
}

/** For tests in which nothing may be changed and no incident is kept: whoever asks for one fails. */
export function noChanges(): SlackAppOptions['changes'] {
  return inPart<SlackAppOptions['changes']>({
    approvals: inPart<Approvals>({
      check: (_, found) => found,
      checkPeople: () => Promise.resolve([]),
      offers: () => [],
    }),
    pagingOf: () => undefined,
    checkAround: () => Promise.resolve([]),
  });
}

function inPart<T>(known: Partial<T>): T;
function inPart(known: unknown): unknown {
  return known;
}

/** dbconn in a local Slack, started and able to receive; without an incident channel unless given. */
export async function startApp(
  slack: LocalSlack,
  mode: Mode,
  changes: Partial<SlackAppOptions> = {},
): Promise<SlackApp> {
  const app = createSlackApp({
    connection: connectionFor(mode),
    botToken,
    apiUrl: slack.apiUrl,
    monitor: aMonitor(),
    changes: noChanges(),
    log: aLog().log,
    ...changes,
    // On a slow machine the first of many calls takes seconds.
    replyTimeouts: { examplesMs: patienceMs, ...changes.replyTimeouts },
  });
  await app.start();
  if (app.state.port !== undefined) {
    slack.setRequestUrl(`http://127.0.0.1:${app.state.port}/slack/events`);
  }
  return app;
}

/** The bot's first message in a channel that says so. */
export function said(slack: LocalSlack, channel: string, words: string): Promise<SlackMessage> {
  return slack.waitFor(
    ({ channels }) =>
      channels
        .find(({ id }) => id === channel)
        ?.messages.find((message) => message.bot_id !== undefined && message.text.includes(words)),
    patienceMs,
  );
}

/** The first thing only this person sees that says so. */
export function whispered(slack: LocalSlack, user: string, words: string): Promise<SlackMessage> {
  return slack.waitFor(
    ({ ephemerals }) =>
      ephemerals.find((one) => one.user === user && one.message.text.includes(words))?.message,
    patienceMs,
  );
}

/** Everything anybody has seen of the bot. */
export function everything(slack: LocalSlack): readonly SlackMessage[] {
  const { channels, ephemerals } = slack.state;
  const public_ = channels.flatMap(({ messages }) => messages);
  return [...public_, ...ephemerals.map(({ message }) => message)].filter(
    (message) => message.bot_id !== undefined,
  );
}
