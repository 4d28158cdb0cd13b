import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { allWords } from '../../src/runbook/commands/words.ts';
import { neededScopes, scopeOf } from '../../src/slack/handlers/doctor-slack.ts';

/** Slack's own limits of a manifest, as slackapi/manifest-schema states them; unknown keys are refused. */
const Manifest = z.strictObject({
  _metadata: z.strictObject({ major_version: z.int(), minor_version: z.int() }),
  display_information: z.strictObject({
    name: z.string().min(1).max(35),
    description: z.string().max(140).optional(),
    background_color: z
      .string()
      .regex(/^#([0-9a-f]{3}){1,2}$/i)
      .optional(),
    long_description: z.string().min(175).max(4000).optional(),
  }),
  features: z.strictObject({
    app_home: z.strictObject({
      home_tab_enabled: z.boolean(),
      messages_tab_enabled: z.boolean(),
      messages_tab_read_only_enabled: z.boolean(),
    }),
    bot_user: z.strictObject({
      display_name: z
        .string()
        .max(80)
        .regex(/^[a-z0-9._-]+$/),
      always_online: z.boolean().optional(),
    }),
    slash_commands: z
      .array(
        z.strictObject({
          command: z
            .string()
            .max(32)
            .regex(/^\/[a-z0-9_-]+$/),
          description: z.string().min(1).max(2000),
          usage_hint: z.string().max(1000).optional(),
          should_escape: z.boolean().optional(),
          url: z.url().optional(),
        }),
      )
      .max(50),
  }),
  oauth_config: z.strictObject({
    scopes: z.strictObject({ bot: z.array(z.string()).max(255) }),
  }),
  settings: z.strictObject({
    event_subscriptions: z.strictObject({
      bot_events: z.array(z.string()).max(100),
      request_url: z.url().optional(),
    }),
    interactivity: z.strictObject({
      is_enabled: z.boolean(),
      request_url: z.url().optional(),
    }),
    org_deploy_enabled: z.boolean(),
    socket_mode_enabled: z.boolean(),
    token_rotation_enabled: z.boolean(),
  }),
});

const sources = readdirSync('src/slack', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => readFileSync(`src/slack/${name}`, 'utf8'));

const manifest = Manifest.parse(parse(readFileSync('manifest.yml', 'utf8')));

test('the manifest asks for exactly the scopes of the methods the code calls', () => {
  expect(manifest.oauth_config.scopes.bot.toSorted()).toEqual(neededScopes());
});

test('every method of the Web API the code calls is listed with its scope, and no other', () => {
  const families =
    'auth|blocks|chat|views|users|usergroups|conversations|files|reactions|pins|bots|team';
  const called = sources.flatMap((source) => [
    ...source
      .matchAll(new RegExp(String.raw`client\.(${families})\.(\w+)\(`, 'g'))
      .map(([, family, method]) => `${family}.${method}`),
    ...source
      .matchAll(
        new RegExp(String.raw`\{ ([\w, ]+) \} = client\.((?:${families})(?:\.users)?);`, 'g'),
      )
      .flatMap(([, names = '', family]) => names.split(', ').map((name) => `${family}.${name}`)),
  ]);
  // The one call of the client's that is two methods of Slack's.
  const uploads = sources.some((source) => source.includes('client.filesUploadV2('))
    ? ['files.getUploadURLExternal', 'files.completeUploadExternal']
    : [];
  expect([...new Set([...called, ...uploads])].toSorted()).toEqual(Object.keys(scopeOf).toSorted());
  expect(sources.join('\n')).not.toContain('apiCall(');
});

test('the manifest subscribes to exactly the events the code hears', () => {
  const heard = sources.flatMap((source) =>
    [...source.matchAll(/app\.event\('([^']+)'/g)].map(([, event]) => event),
  );
  expect(manifest.settings.event_subscriptions.bot_events).toEqual(heard);
  expect(manifest.features.app_home.home_tab_enabled).toBe(heard.includes('app_home_opened'));
});

test('the manifest has exactly the commands the code answers', () => {
  const answered = sources.flatMap((source) =>
    [...source.matchAll(/app\.command\('([^']+)'/g)].map(([, command]) => command),
  );
  expect(manifest.features.slash_commands.map(({ command }) => command)).toEqual(answered);
});

test('the usage hint names words there are, help among them, and fits the line above the keyboard', () => {
  const hint = manifest.features.slash_commands[0]?.usage_hint ?? '';
  const [, words = ''] = /^\[([a-z|-]+)\] \[target\]$/.exec(hint) ?? [];
  expect(allWords).toEqual(expect.arrayContaining(words.split('|')));
  expect(words).toMatch(/^status\|.*\|help$/);
  expect(hint.length).toBeLessThanOrEqual(60);
});

test('Slack does not escape what is typed: a target like orders.prod would become a link', () => {
  expect(manifest.features.slash_commands.every(({ should_escape: on }) => on === false)).toBe(
    true,
  );
});
