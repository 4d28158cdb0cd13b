import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { redactText } from '../../../src/runbook/snapshot/redaction/redact-text.ts';

/** What a canary is made of; no line that carries one has any of it. */
const planted = /[ЖZJé💥]/u;
const letters = fc.constantFrom('Ж', 'Z', 'J', 'é', '💥');
const canary = fc.array(letters, { minLength: 3, maxLength: 12 }).map((parts) => parts.join(''));

/** Ways in which a secret comes into a line of a log. */
const shapes: readonly ((secret: string) => string)[] = [
  (x) => `mysqldump --password ${x} shop`,
  (x) => `run --db-password=${x} --pool 5`,
  (x) => `vault --token "${x}" --pool 5`,
  (x) => `argv: ["app", "--api-key", "${x}", "run"]`,
  (x) => `argv: ['app', '--password', '${x}', 'run']`,
  (x) => `mysql -u app -p ${x} shop`,
  (x) => `mysql -uapp -p${x} shop`,
  (x) => `sshpass -p '${x}' ssh db`,
  (x) => `curl -u app:${x} http://api/x`,
  (x) => `curl -uapp:${x} http://api/x`,
  (x) => `curl --user 'app:${x}' http://api/x`,
  (x) => `curl --proxy-user=app:${x} http://api/x`,
  (x) => `the password is ${x} today`,
  (x) => `the API key was not ${x}`,
  (x) => `its password is now set to ${x}`,
  (x) => `logging in as app with password ${x}`,
  (x) => `using the token "${x}" of app`,
  (x) => `password "${x}"`,
  (x) => `PGPASSWORD=${x} psql -h db`,
  (x) => `env PGPASSWORD='${x} and more ${x}' psql`,
  (x) => `password='it''s ${x}' host=db`,
  (x) => `password="a""b ${x}" host=db`,
  (x) => `password='it\\'s ${x}' host=db`,
  (x) => `ERROR: it said 'it''s ${x}' and left`,
  (x) => `PWD={${x};${x}};Server=db`,
  (x) => `password := "${x}"`,
  (x) => `:password=>"${x}"`,
  (x) => `["password", "${x}"]`,
  (x) => `password%3D${x}`,
  (x) => `<db:password type="plain">${x}</db:password>`,
  (x) => `Cookie: a=1; session=${x}; b=2`,
  (x) => `Set-Cookie: sid=${x}`,
  (x) => `Authorization: Digest username="app", response="${x}"`,
  (x) => `sent Bearer "${x}"`,
  (x) => `connect postgres://app:it's${x}"<${x}>@db/shop`,
  (x) => `db.example:5432:shop:app:${x}`,
  (x) => `*:*:*:app:${x}`,
];

test('an address without its scheme is blanked', () => {
  expect(redactText('connect app:hunter2@db:5432/shop')).toBe('connect …@…:5432/shop');
  expect(redactText('connect app:hunt(e"r2@db:5432/shop')).toBe('connect …@…:5432/shop');
});

test('a secret of any shape is blanked, wherever the line is cut', () => {
  fc.assert(
    fc.property(canary, fc.constantFrom(...shapes), fc.nat({ max: 60 }), (secret, shape, cut) => {
      const line = `pool ${shape(secret)}`;
      expect(redactText(line.slice(0, Math.max(5, line.length - cut)))).not.toMatch(planted);
    }),
    { numRuns: 20_000 },
  );
});

// Put together at run time, so that no scanner of repositories takes them for real ones.
const random = 'aB3'.repeat(20);
test.for([
  ['AKIA', 'Z7Q2'.repeat(4)].join(''),
  ['aws said ', 'wJalrXUtnFEMI/K7MDENG', '/bPxRfiCYEXAMPLEKEY'].join(''),
  ['AI', 'za', random.slice(0, 35)].join(''),
  ['npm', random.slice(0, 36)].join('_'),
  ['sk', 'live', random.slice(0, 24)].join('_'),
  ['SG', random.slice(0, 22), random.slice(0, 43)].join('.'),
  ['glpat', random.slice(0, 20)].join('-'),
  ['xoxb', '11', random.slice(0, 24)].join('-'),
  ['https://hooks.slack.com/services', 'T01', 'B01', random.slice(0, 24)].join('/'),
])('a token is blanked by its looks: %s', (token) => {
  const redacted = redactText(`calling with ${token} failed`);
  expect(redacted).toMatch(
    /^calling with (?:aws said )?(?:https:\/\/hooks\.slack\.com\/)?… failed$/,
  );
});

test.for([
  'FATAL:  password authentication failed for user "app"',
  'fe_sendauth: no password supplied',
  'FATAL: the password is required, and the token is expired',
  'logging in with password authentication',
  'psql: error: connection to server at "db" (10.0.0.3), port 5432 failed: FATAL:  sorry, too many clients already',
  'sudo -u postgres psql',
  'worker 4 of 8: pool_size=10 max_overflow=11, -1 left',
  '2026-11-29 16:17:27,936 INFO [shop.api] listening on 41583, pool_size=10 max_overflow=11',
  'at /usr/local/lib/python3.12/site-packages/sqlalchemy/pool/impl.py:146 in _do_get',
  'HikariPool-1 - Connection is not available, request timed out after 30000ms (total=10, active=10, idle=0, waiting=3)',
])('what an operator needs stays whole: %s', (text) => {
  expect(redactText(text)).toBe(text);
});
