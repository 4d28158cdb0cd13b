import { expect, test } from 'vitest';
import { playScripted } from './support/scripted.ts';
import type { Scripted } from './support/scripted.ts';
import { send, sign, typed } from './support/signed.ts';
import { ask, card, database, jonas, maya } from './support/conversation.ts';
import { until } from '../support/until.ts';

// Somebody on the way between Slack and dbconn captured a request, and sends it again.

/** Stopped by Maya, let run by Jonas with a request that was captured, and stopped again. */
async function captured(): Promise<Scripted & { readonly go: string; readonly headers: Headers }> {
  const scripted = await playScripted({ mode: 'http' });
  const { stage, bot } = scripted;
  const go = typed(jonas, 'go');
  const headers = sign(go);
  await ask(stage, maya, 'stop');
  expect((await send(bot, go, headers)).status).toBe(200);
  await until('changes may run again', async () => !(await isStopped(scripted)));
  await ask(stage, maya, 'stop the disk is full');
  return { ...scripted, go, headers };
}

async function isStopped(world: Scripted | undefined): Promise<boolean> {
  const stopped = await world?.bot.approvals.stopped();
  return stopped?.ok === true && stopped.value !== null;
}

function withHeader(headers: Headers, name: string, change: (value: string) => string): Headers {
  const changed = new Headers(headers);
  changed.set(name, change(headers.get(name) ?? ''));
  return changed;
}

test.for([
  ['as it was', 'x-slack-signature', (value: string) => value],
  ['with =x behind its signature', 'x-slack-signature', (value: string) => `${value}=x`],
  ['with = behind its signature', 'x-slack-signature', (value: string) => `${value}=`],
  ['with a blank behind its time', 'x-slack-request-timestamp', (value: string) => `${value}.0`],
  ['with its time in other digits', 'x-slack-request-timestamp', (value: string) => `0${value}`],
  ['as another type', 'content-type', (value: string) => `${value}; charset=utf-8`],
] as const)(
  'a captured request that is sent again %s lifts no emergency stop',
  async ([, name, change]) => {
    const { bot, go, headers } = await captured();
    expect((await send(bot, go, withHeader(headers, name, change))).status).toBe(401);
    expect(await bot.approvals.stopped()).toMatchObject({ value: { reason: 'the disk is full' } });
  },
);

test('a captured request files no proposals, however often it is sent again', async () => {
  const { bot } = await playScripted({ mode: 'http' });
  const body = typed(maya, 'propose A');
  const headers = sign(body);
  expect((await send(bot, body, headers)).status).toBe(200);
  const again = Array.from({ length: 20 }, (_, n) =>
    send(
      bot,
      body,
      withHeader(headers, 'x-slack-signature', (value) => `${value}=${n}`),
    ),
  );
  expect(new Set((await Promise.all(again)).map(({ status }) => status))).toEqual(new Set([401]));
  await until('the first is there', async () => openRequests(bot).then((open) => open === 1));
});

/** `/dbconn status`, whose answer is for all. */
async function look(stage: Scripted['stage']): Promise<void> {
  await stage.slack.typeCommand({ user: jonas, channel: database, text: '/dbconn status' });
  await card(stage, 'Critical, shop');
}

async function openRequests({ approvals }: Scripted['bot']): Promise<number> {
  const open = await approvals.list();
  return open.ok ? open.value.length : -1;
}

test('neither a second replica nor a restarted one hears a captured request again', async () => {
  const { stage, bot, go, headers } = await captured();
  const replica = await stage.start();
  expect((await send(replica, go, headers)).status).toBe(401);
  await Promise.all([bot.stop(), replica.stop()]);
  const restarted = await stage.start();
  expect((await send(restarted, go, headers)).status).toBe(401);
  expect(await restarted.approvals.stopped()).toMatchObject({
    value: { reason: 'the disk is full' },
  });
});

test('while requests cannot be remembered, looking is answered and nothing is decided', async () => {
  const { stage, bot, remedy } = await playScripted({ mode: 'http' });
  await ask(stage, maya, 'propose A');
  await ask(stage, maya, 'stop');
  Object.assign(bot.journal, { recordSigned: () => Promise.reject(new Error('the disk is full')) });
  await look(stage);
  const nothing = /Nothing was done, because the journal could not be written/;
  expect(await ask(stage, jonas, 'go')).toMatch(nothing);
  expect(await ask(stage, jonas, 'propose C reports')).toMatch(nothing);
  expect(await ask(stage, jonas, 'incident open it fills')).toMatch(nothing);
  expect(await ask(stage, jonas, 'requests')).toContain('shop');
  expect(await openRequests(bot)).toBe(1);
  expect(remedy.runs).toBe(0);
  // To stop is never refused for want of memory.
  expect(await ask(stage, jonas, 'stop the disk')).toContain('stopped');
});

test('a journal that does not answer keeps nobody from looking', async () => {
  const { stage, bot } = await playScripted({ mode: 'http' });
  Object.assign(bot.journal, { recordSigned: () => new Promise(() => undefined) });
  await look(stage);
  expect(stage.lines.join('')).toContain('could not be remembered');
});
