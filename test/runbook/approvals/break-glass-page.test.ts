import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../src/timing.ts';
import { createBreakGlassNotifier } from '../../../src/runbook/escalation/break-glass-notifier.ts';
import type { BreakGlassNotifier } from '../../../src/runbook/escalation/break-glass-notifier.ts';
import { PagerRefused } from '../../../src/runbook/escalation/ports.ts';
import type { Page, Pager } from '../../../src/runbook/escalation/ports.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import type { JournalFolder } from '../../journal/temporary-journal.ts';
import { ann, buildRequest } from './builders.ts';
import { patienceMs } from '../../support/until.ts';

type BreakGlassNotifierParts = Parameters<typeof createBreakGlassNotifier>[0];

const brokenGlass = { by: ann, at: '2026-11-23T03:00:00.000Z', reason: 'nobody <!channel>' };

let folder: JournalFolder;
let pages: Page[];
let announced: number;
let faults: unknown[];
let marks: number;
beforeEach(() => {
  folder = makeJournalFolder();
  [pages, announced, faults, marks] = [[], 0, [], 0];
});
afterEach(() => folder.close());

function aPager(page: Pager['page']): Pager {
  return { name: 'PagerDuty', page, tellChange: () => Promise.resolve() };
}

async function listen(change: Partial<BreakGlassNotifierParts>): Promise<BreakGlassNotifier> {
  const journal = await folder.open();
  return createBreakGlassNotifier({
    announcements: { announce: () => Promise.resolve(void (announced += 1)) },
    channel: 'C1',
    contacts: new Map(),
    pagerOf: () => aPager((page) => Promise.resolve(void pages.push(page))),
    journal: {
      list: (states) => journal.list(states),
      readRunsSince: (run) => journal.readRunsSince(run),
      async record(entry) {
        marks += 1;
        await journal.record(entry);
      },
    },
    wasTold: () => Promise.resolve(marks > 0),
    actions: ['A'],
    clock: systemClock,
    onFault: (_id, error) => void faults.push(error),
    ...change,
  });
}

test('a request that ran without its votes wakes who is on call, without what was written', async () => {
  const news = await listen({});
  const request = await buildRequest({ brokenGlass });
  news.tell(request);
  await news.idle(patienceMs);
  expect([announced, marks]).toEqual([1, 1]);
  expect(pages).toMatchObject([
    { action: 'trigger', key: `dbconn/shop/break-glass/${request.id}`, severity: 'critical' },
  ]);
  expect(pages[0]?.summary).toContain('Break-glass: UANN ran option A for shop');
  expect(JSON.stringify(pages)).not.toContain('<');
});

test('a pager that refuses does not keep the channel from hearing of it', async () => {
  const pagerOf = (): Pager => aPager(() => Promise.reject(new PagerRefused('No.', false)));
  const news = await listen({ pagerOf });
  news.tell(await buildRequest({ brokenGlass }));
  await news.idle(patienceMs);
  expect([announced, marks, faults.length]).toEqual([1, 1, 1]);
});

test('a Slack that is away does not keep the pager from waking somebody', async () => {
  const announcements = { announce: () => Promise.reject(new Error('Slack is away.')) };
  const news = await listen({ announcements });
  news.tell(await buildRequest({ brokenGlass }));
  await news.idle(patienceMs);
  expect([pages.length, marks, faults.length]).toEqual([1, 0, 1]);
});

test('where no channel is configured the pager alone is told', async () => {
  const news = await listen({ channel: undefined });
  news.tell(await buildRequest({ brokenGlass }));
  await news.idle(patienceMs);
  expect([pages.length, marks]).toEqual([1, 1]);
});
