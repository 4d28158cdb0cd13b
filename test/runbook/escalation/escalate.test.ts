import { afterEach, beforeEach, expect, test } from 'vitest';

import { escalate, parseEscalation } from '../../../src/runbook/escalation/escalate.ts';
import type { EscalatePorts } from '../../../src/runbook/escalation/escalate.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import type { JournalFolder } from '../../journal/temporary-journal.ts';
import { PagerRefused } from '../../../src/runbook/escalation/ports.ts';
import type { Page, Pager } from '../../../src/runbook/escalation/ports.ts';
import { ann } from '../approvals/builders.ts';
import { HandClock } from '../approvals/world.ts';
import type { Announcement } from '../../../src/runbook/approvals/notices.ts';

type Escalating = Parameters<typeof escalate>[1];

let folder: JournalFolder;
let sent: Announcement[];
beforeEach(() => {
  folder = makeJournalFolder();
  sent = [];
});
afterEach(() => folder.close());

const contacts = { databaseAdmins: 'SDBA', backendLead: 'ULEAD', onCall: 'UONCALL' };

async function send(
  change: Partial<Escalating>,
  paging?: EscalatePorts['paging'],
): Promise<Answer<Announcement>> {
  const announcements = {
    announce(announcement: Announcement) {
      sent.push(announcement);
      return Promise.resolve();
    },
  };
  const escalating: Escalating = {
    role: 'database-admins',
    reason: 'it fills again',
    target: 'shop',
    actor: ann,
    contacts,
    channel: 'CDATABASE',
    headline: '94 of 97 usable connections.',
    ...change,
  };
  const journal = await folder.open();
  return escalate({ journal, announcements, ...(paging !== undefined && { paging }) }, escalating);
}

test.for([
  ['backend-lead it fills again', 'backend-lead', 'it fills again'],
  ['ON-CALL help', 'on-call', 'help'],
  ['it fills again', 'database-admins', 'it fills again'],
  ['', 'database-admins', ''],
] as const)('"%s" is for %s', ([text, role, reason]) => {
  expect(parseEscalation(text)).toEqual({ role, reason });
});

test('the database admins are mentioned in the channel, the backend lead gets a direct message', async () => {
  await send({});
  await send({ role: 'backend-lead' });
  const headline = '<@UANN> asks for help with shop. 94 of 97 usable connections.';
  const quote = 'it fills again';
  expect(sent).toEqual([
    { to: 'CDATABASE', mention: 'SDBA', headline, quote },
    { to: 'ULEAD', mention: null, headline, quote },
  ]);
});

test('without a pager the on-call engineer gets a direct message, and a group is mentioned', async () => {
  await send({ role: 'on-call' });
  await send({ role: 'on-call', contacts: { onCall: 'SONCALL' } });
  expect(sent.map(({ to, mention }) => [to, mention])).toEqual([
    ['UONCALL', null],
    ['CDATABASE', 'SONCALL'],
  ]);
});

test('with a pager the on-call engineer is paged, each time anew', async () => {
  const clock = new HandClock();
  const pages: Page[] = [];
  const pager = aPager((page) => {
    pages.push(page);
    return Promise.resolve();
  });
  const answer = await send({ role: 'on-call' }, { pager, clock });
  clock.nowMs += 60_000;
  await send({ role: 'on-call' }, { pager, clock });
  expect(answer).toMatchObject({ ok: true, value: { via: 'pager', to: 'PagerDuty' } });
  expect(sent).toEqual([]);
  expect(pages).toHaveLength(2);
  expect(new Set(pages.map(({ key }) => key)).size).toBe(2);
  expect(JSON.stringify(pages)).not.toContain('it fills again');
});

test('a pager that refuses is said to have refused, and what to do', async () => {
  const pager = aPager(() => Promise.reject(new PagerRefused('PagerDuty refused it.', false)));
  const answer = await send({ role: 'on-call' }, { pager, clock: new HandClock() });
  expect(answer).toMatchObject({
    ok: false,
    refusal: { kind: 'pager-refused', why: 'PagerDuty refused it.' },
  });
});

function aPager(page: Pager['page']): Pager {
  return { name: 'PagerDuty', page, tellChange: () => Promise.resolve() };
}

test('what was escalated stands in the journal, without secrets', async () => {
  await send({ reason: 'look at postgres://app:hunter2@db/shop' });
  const [entry] = await (await folder.open()).entries();
  expect(entry).toMatchObject({ kind: 'escalated' });
  expect(entry?.body).toContain('UANN');
  expect(`${entry?.body} ${JSON.stringify(sent)}`).not.toContain('hunter2');
});

test.for<[string, Partial<Escalating>, string]>([
  ['without a reason', { reason: ' ' }, 'reason-missing'],
  ['to a pager and a person that are not there', { role: 'on-call', contacts: {} }, 'no-contact'],
  ['to nobody', { contacts: {} }, 'no-contact'],
  ['to no channel', { channel: undefined }, 'no-channel'],
])('an escalation %s is refused and says what to do', async ([, change, kind]) => {
  const answer = await send(change);
  expect(answer).toMatchObject({ ok: false, refusal: { kind } });
  expect(sent).toEqual([]);
});
