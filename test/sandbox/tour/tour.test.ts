import { expect, test } from 'vitest';
import { requestCard } from '../../../src/slack/messages/request-card.ts';
import { statusMessage } from '../../../src/slack/messages/status.ts';
import { cardText } from '../../../sandbox/tour/card-text.ts';
import { expectNoVotes, expectOutcome } from '../../../sandbox/tour/change.ts';
import { findButton } from '../../../sandbox/tour/room.ts';
import { tourScenes } from '../../../sandbox/tour/scenes.ts';
import type { StoredBlock } from '../../../sandbox/slack/workspace.ts';
import { buildPlan, buildRequest } from '../../runbook/approvals/builders.ts';
import { writeIncident } from '../../../src/slack/messages/incident-card.ts';
import { aView } from '../../slack/support/incident-board.ts';
import { briefly, firstLines } from '../../../sandbox/tour/incident-sights.ts';
import { aDiagnosis, aTarget } from '../../slack/support/diagnoses.ts';

/** The tour judges what is shown: these are the ways in which it could stop seeing it. */

interface Shown {
  readonly ts: string;
  readonly text: string;
  readonly blocks: readonly StoredBlock[];
}

/** As Slack keeps it. */
function kept({ text, blocks }: ReturnType<typeof requestCard>): Shown {
  const stored = blocks.map((block, index) => ({ ...block, block_id: `b${index}` }));
  return { ts: '1.0', text, blocks: stored };
}

const plan = buildPlan({ steps: ['Keep a copy', 'End 2 sessions'] });

test('a card is told by its title, its steps and its buttons, without its targets', async () => {
  const text = cardText(kept(requestCard(await buildRequest({ plan }))));
  expect(text).toContain('End 2 sessions');
  expect(text).toContain('Keep a copy');
  expect(text).toContain('[ Approve ending 2 sessions ]');
  expect(text).not.toContain('101');
});

test('a card that ended as something else than expected is a mistake', () => {
  const ended = { text: 'Filled up again, option A for shop: End 2 sessions' };
  expect(expectOutcome(ended, ['fixed'])).toHaveLength(1);
  expect(expectOutcome(ended, ['fixed', 'refilled'])).toEqual([]);
});

test('a card that can still be approved is no end', async () => {
  expect(expectNoVotes(kept(requestCard(await buildRequest())))).toHaveLength(1);
  const denied = await buildRequest({ state: 'denied' });
  expect(expectNoVotes(kept(requestCard(denied)))).toEqual([]);
});

test('a status message’s own button is found by the words it stands for', () => {
  const diagnosis = aDiagnosis({
    proposals: [
      {
        option: 'C',
        subject: 'orders',
        summary: 'Restart orders.',
        slotsFreed: 9,
        blocked: null,
        command: 'propose C orders',
      },
    ],
  });
  const status = kept(statusMessage({ diagnosis, target: aTarget(), offers: ['C'] }));
  expect(findButton(status, 'Restart orders…')).toMatchObject({ ts: '1.0' });
  expect(findButton(status, 'Restart billing…')).toBeUndefined();
});

test('a button is found beside a menu, which has no words of its own', () => {
  const view = aView();
  const card = kept(writeIncident(view, { target: aTarget(), isReplacement: false }).message);
  expect(findButton(card, 'Acknowledge')).toMatchObject({ ts: '1.0' });
  expect(JSON.stringify(card.blocks)).toContain('overflow');
});

test('of a card the audience has seen, its table and small print are left out', () => {
  const card = kept(writeIncident(aView(), { target: aTarget(), isReplacement: false }).message);
  expect(briefly(card)).toContain('No owner yet');
  expect(briefly(card)).not.toContain('┌');
  expect(firstLines('a\nb\nc', 2)).toBe('a\nb\n… and 1 line more');
});

test('every cause of the runbook has a scene, and its remedy in it', () => {
  const helped = tourScenes().filter(({ title, help }) => title.startsWith('Trouble') && help);
  expect(helped.map(({ title }) => title)).toEqual([
    'Trouble: connection-leak, the whole story from its alert to its report',
    'Trouble: slow-queries',
    'Trouble: uncommitted-transactions',
    'Trouble: application-scaling',
    'Trouble: pool-misconfiguration',
    'Trouble: lock-contention',
  ]);
});

test('every night of the tour ends with what helps', () => {
  const nights = tourScenes().filter(({ title }) => title.startsWith('Night'));
  expect(nights.length).toBeGreaterThan(2);
  expect(nights.filter(({ help }) => help === undefined)).toEqual([]);
});
