import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Announcement } from '../../../src/runbook/ports.ts';
import { escalate, parseEscalation } from '../../../src/runbook/escalate/escalate.ts';
import type { Escalating } from '../../../src/runbook/escalate/escalate.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import type { JournalFolder } from '../../journal/temporary-journal.ts';
import { ann } from '../approval/builders.ts';

let folder: JournalFolder;
let sent: Announcement[];
beforeEach(() => {
  folder = makeJournalFolder();
  sent = [];
});
afterEach(() => folder.close());

const contacts = { databaseAdmins: 'SDBA', backendLead: 'ULEAD', onCall: 'UONCALL' };

async function send(change: Partial<Escalating>): Promise<Answer<Announcement>> {
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
  return escalate({ journal: await folder.open(), announcements }, escalating);
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

test('what was escalated stands in the journal, without secrets', async () => {
  await send({ reason: 'look at postgres://app:hunter2@db/shop' });
  const [entry] = await (await folder.open()).entries();
  expect(entry).toMatchObject({ kind: 'escalated' });
  expect(entry?.body).toContain('UANN');
  expect(`${entry?.body} ${JSON.stringify(sent)}`).not.toContain('hunter2');
});

test.for<[string, Partial<Escalating>, string]>([
  ['without a reason', { reason: ' ' }, 'reason-missing'],
  ['to the pager', { role: 'on-call' }, 'no-pager'],
  ['to nobody', { contacts: {} }, 'no-contact'],
  ['to no channel', { channel: undefined }, 'no-channel'],
])('an escalation %s is refused and says what to do', async ([, change, kind]) => {
  const answer = await send(change);
  expect(answer).toMatchObject({ ok: false, refusal: { kind } });
  expect(sent).toEqual([]);
});
