import { expect, test } from 'vitest';
import { z } from 'zod';
import { toText } from '../../../sandbox/message-text.ts';
import { homeView } from '../../../src/slack/home/home-view.ts';
import { saidOfChanges } from '../../record/fixtures/changes.ts';
import { saidOfIncidents } from '../../record/fixtures/incidents.ts';
import { faultsOfText } from '../../support/plain-english.ts';
import { buildIncident } from '../../journal/build-incident.ts';

const Message = z.looseObject({ text: z.string().optional(), blocks: z.array(z.unknown()).min(1) });

/** Each message and view within what a fixture says. */
function findMessages(name: string, content: unknown): (readonly [string, string, string])[] {
  const { data } = Message.safeParse(content);
  if (data !== undefined) return [[name, toText(data), data.text ?? '']];
  if (typeof content !== 'object' || content === null) return [];
  return Object.entries(content).flatMap(([key, value]) => findMessages(`${name} ${key}`, value));
}

/** What a reader would stumble over in a message or in the notification of it. */
function faultsOf(content: unknown): string[] {
  return findMessages('', content).flatMap(([name, shown, notification]) =>
    [shown, notification].flatMap((text) => faultsOfText(text).map((fault) => `${name}: ${fault}`)),
  );
}

test('every message, list, dialog and report of an incident is plain English, and so is its notification', async () => {
  const said = await saidOfIncidents();
  expect(findMessages('', said).length).toBeGreaterThan(50);
  expect(faultsOf(said)).toEqual([]);
});

test('so is every card, list, dialog and end of a request', async () => {
  const said = await saidOfChanges();
  expect(findMessages('', said).length).toBeGreaterThan(300);
  expect([...new Set(faultsOf(said))]).toEqual([]);
});

test('so is the Home tab', () => {
  const item = buildIncident({ target: 'orders' });
  const view = homeView({
    readAtMs: 0,
    summaries: [],
    stop: { by: '<@U0ANA00000>', at: item.openedAt, reason: '' },
    votable: [],
    othersWaiting: 1,
    incidents: [{ item, url: undefined }],
    openIncidents: 1,
    ended: [{ item, url: undefined, requests: [] }],
    problems: [],
  });
  expect(faultsOfText(toText(view))).toEqual([]);
});
