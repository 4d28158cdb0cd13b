import { expect, test } from 'vitest';
import { createCallsCheck } from '../../src/app/incidents.ts';
import { ConfigFile } from '../../src/config/file.ts';
import { readConfig } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';
import type { Check } from '../../src/runbook/diagnose/doctor.ts';
import type { Pager } from '../../src/runbook/escalation/ports.ts';

/** What doctor says of whom the incidents of `shop` call, with the values of a dbconn.yml. */
function check(changes: Partial<Config>, pager?: Pager): Promise<readonly Check[]> {
  const config = { ...readConfig({ DATABASE_URL: 'postgres://app@127.0.0.1/shop' }), ...changes };
  return createCallsCheck(config, () => pager)('default');
}

function withContacts(
  contacts: Config['targets'][number]['target']['contacts'],
): Config['targets'] {
  const { targets } = readConfig({ DATABASE_URL: 'postgres://app@127.0.0.1/shop' });
  return targets.map((entry) => ({ ...entry, target: { ...entry.target, contacts } }));
}

const channel = 'C0123456789';
const pagerDuty: Pager = {
  name: 'PagerDuty',
  page: () => Promise.resolve(),
  tellChange: () => Promise.resolve(),
};

test('where nobody is named, doctor says that incidents notify nobody', async () => {
  expect(await check({ channel })).toMatchObject([
    { state: 'off', summary: 'Incidents notify nobody.' },
  ]);
});

test('a group that is named is reached by the channel alone', async () => {
  const targets = withContacts({ databaseAdmins: 'S0DBA' });
  expect((await check({ targets }))[0]?.state).toBe('missing');
  expect((await check({ targets, channel }))[0]?.state).toBe('ok');
});

test('a pager is named, and brings its steps along', async () => {
  const { pager } = ConfigFile.parse({
    targets: [{ name: 'shop', database: { url: 'postgres://app@127.0.0.1/shop' } }],
    pager: { pagerduty: { routingKey: 'r'.repeat(32) } },
  });
  expect((await check({ pager }, pagerDuty))[0]?.summary).toBe(
    'Incidents notify the on-call engineer in 2 steps; PagerDuty pages people.',
  );
});

test('whether the pagers answer is said, and nobody is paged to find out', async () => {
  const reached = { ...pagerDuty, findSilent: () => Promise.resolve([]) };
  expect(await check({ channel }, reached)).toContainEqual({
    subject: 'Pager',
    state: 'ok',
    summary: 'PagerDuty can be reached; its key was not tried.',
  });
  const silent = { ...pagerDuty, findSilent: () => Promise.resolve(['PagerDuty']) };
  expect(await check({ channel }, silent)).toContainEqual(
    expect.objectContaining({ state: 'missing', summary: 'PagerDuty cannot be reached.' }),
  );
});
