import { Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { createLog } from '../src/log.ts';
import { toBoltLogger } from '../src/slack/connection/client.ts';

function listen(level = 'info'): {
  log: ReturnType<typeof createLog>;
  said: () => string;
} {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString('utf8'));
      done();
    },
  });
  return { log: createLog(level, destination), said: () => lines.join('') };
}

// Put together at run time, so that no scanner of repositories takes them for real ones.
const botToken = ['xoxb', '111', '222', 'abcDEF'].join('-');
const appToken = ['xapp', '1', 'A1', '333', 'fedCBA'].join('-');

test('secrets are blanked by the name of their field, also inside other objects', () => {
  const { log, said } = listen();
  log.info(
    {
      token: 'geheim1',
      slack: { signingSecret: 'geheim2' },
      a: { b: { c: { password: 'geheim3' } } },
    },
    'x',
  );
  expect(said()).not.toContain('geheim');
});

test.for([
  [`token ${botToken} was refused`, botToken],
  [`opening with ${appToken}`, appToken],
  ['connecting to postgresql://app:s3cret@db:5432/orders', 's3cret'],
  ['connecting to postgresql+asyncpg://app:s3cret@db/orders', 's3cret'],
  ['host=db password=s3cret user=app', 's3cret'],
  ['POST https://hooks.slack.com/commands/T1/22/33 failed', 'T1/22/33'],
  ['psql --password s3cret', 's3cret'],
  ['curl -u admin:s3cret http://proxy', 's3cret'],
  ['the password is s3cret', 's3cret'],
  ['Authorization: Basic s3cret', 's3cret'],
  ['mysql://app:s3cret@db/orders', 's3cret'],
  ['https://hooks.example/?key=s3cret', 's3cret'],
  ['-----BEGIN RSA PRIVATE KEY-----\ns3cret', 's3cret'],
] as const)('secrets are blanked by their looks in a message: %s', ([text, secret]) => {
  const { log, said } = listen();
  log.info(text);
  log.info({ nested: [text] }, 'x');
  expect(said()).not.toContain(secret);
  expect(said()).toContain('"msg"');
});

test('an error is logged with type, message, code and causes, and nothing it drags along', () => {
  const { log, said } = listen();
  const cause = Object.assign(new Error('socket closed'), { code: 'ECONNRESET' });
  const err = Object.assign(new Error(`call with ${botToken} failed`, { cause }), {
    request: { headers: { cookie: 'geheim' } },
  });
  log.error({ err }, 'Slack cannot be reached');
  const line: unknown = JSON.parse(said());
  expect(line).toMatchObject({
    msg: 'Slack cannot be reached',
    err: { type: 'Error', message: 'call with … failed', cause: { code: 'ECONNRESET' } },
  });
  expect(said()).not.toContain('geheim');
});

test('a stack keeps its lines, whatever is blanked in the message above them', () => {
  const { log, said } = listen();
  const err = new Error('password is s3cret, invalid value "s3cret"');
  const frames = [
    '    at connect (file:///app/dist/chunk-1.js:2:3)',
    '    at App.start (/app/node_modules/@slack/bolt/dist/App.js:4:5)',
  ];
  err.stack = [`Error: ${err.message}`, ...frames].join('\n');
  log.error({ err }, 'x');
  expect(said()).not.toContain('s3cret');
  for (const frame of frames) expect(said()).toContain(frame);
});

test('an error that is its own cause ends', () => {
  const { log, said } = listen();
  const err = new Error('round');
  err.cause = err;
  log.error({ err }, 'x');
  expect(said()).toContain('round');
});

test("Bolt's lines arrive at their levels, and its debug lines with whole bodies never", () => {
  const { log, said } = listen('debug');
  const bolt = toBoltLogger(log);
  bolt.debug('body', { text: 'SELECT 42' });
  bolt.warn('careful', { attempt: 2 });
  bolt.error('failed', new Error('why'));
  expect(said()).not.toContain('SELECT 42');
  const levels = said()
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  expect(levels).toMatchObject([
    { level: 40, msg: 'careful {"attempt":2}' },
    { level: 50, msg: 'failed', err: { message: 'why' } },
  ]);
});
