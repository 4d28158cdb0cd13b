import { expect, test } from 'vitest';
import { policyOf } from '../../../src/runbook/escalation/policy.ts';
import type { Contacts } from '../../../src/runbook/snapshot/target.ts';

const everybody: Contacts = { databaseAdmins: 'SDBA', backendLead: 'ULEAD', onCall: 'UONCALL' };

test('the runbook’s contacts are called in its order', () => {
  const steps = policyOf({ steps: undefined, contacts: everybody, canPage: true });
  expect(steps.map(({ who }) => who)).toEqual([
    'database-admins',
    'backend-lead',
    'on-call',
    'on-call',
  ]);
  const minutes = steps.map(({ afterMs }) => afterMs / 60_000);
  expect(minutes).toEqual(minutes.toSorted((a, b) => a - b));
});

test.for<[string, Contacts, boolean, readonly string[]]>([
  ['nobody', {}, false, []],
  ['only a pager', {}, true, ['on-call', 'on-call']],
  ['only the backend lead', { backendLead: 'ULEAD' }, false, ['backend-lead']],
])('with %s configured nobody else is called', ([, contacts, canPage, expected]) => {
  const steps = policyOf({ steps: undefined, contacts, canPage });
  expect(steps.map(({ who }) => who)).toEqual(expected);
});

test('the file’s own steps stand in for it, also where they are none', () => {
  expect(policyOf({ steps: [], contacts: everybody, canPage: true })).toEqual([]);
  expect(policyOf({ steps: undefined, contacts: everybody, canPage: true })).toHaveLength(4);
});
