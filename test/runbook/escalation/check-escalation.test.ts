import { expect, test } from 'vitest';
import { checkEscalation } from '../../../src/runbook/escalation/channels.ts';
import type { Reach } from '../../../src/runbook/escalation/channels.ts';
import type { Pager } from '../../../src/runbook/escalation/ports.ts';
import { aStep, channel, contacts } from './switchboard.ts';

const pager: Pager = {
  name: 'PagerDuty',
  page: () => Promise.resolve(),
  tellChange: () => Promise.resolve(),
};
const everybody: Reach = { contacts, channel, pager };
const steps = [aStep(), aStep({ who: 'on-call' })];

test('a policy whose people can be reached is well', () => {
  expect(checkEscalation(steps, everybody)).toMatchObject([
    {
      state: 'ok',
      summary:
        'Incidents notify the database admins and the on-call engineer in 2 steps; PagerDuty pages people.',
    },
  ]);
});

test('a step for somebody who is not configured is a lack, although the channel would hear of it', () => {
  expect(checkEscalation(steps, { ...everybody, contacts: {} })).toMatchObject([
    {
      state: 'missing',
      summary: 'Escalations to the database admins cannot be delivered.',
    },
  ]);
});

test('an empty policy is said to call nobody', () => {
  expect(checkEscalation([], everybody)).toMatchObject([{ state: 'off' }]);
});
