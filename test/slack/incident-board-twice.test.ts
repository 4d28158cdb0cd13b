import { afterEach, expect, test } from 'vitest';
import { createIncidentMarks } from '../../src/journal/message-places.ts';
import { SlowRoad } from '../endurance/slow-road.ts';
import { patienceMs, until } from '../support/until.ts';
import { aView, openBoardWorld, textOf } from './support/incident-board.ts';
import type { BoardWorld } from './support/incident-board.ts';

// Two processes that tend the same incidents one after the other, while Slack is slow to take what the first one said.

let world: BoardWorld | undefined;
let road: SlowRoad | undefined;
afterEach(async () => {
  await world?.close();
  road?.close();
  world = undefined;
  road = undefined;
});

test('a message that Slack takes after another process has posted the incident is taken away again', async () => {
  const it = await openBoardWorld();
  world = it;
  const slowly = await SlowRoad.to(Number(new URL(it.slack.url).port));
  road = slowly;
  const view = aView({ incident: it.incident });
  const [first, second] = [it.board({}, 0, `http://127.0.0.1:${slowly.port}/api/`), it.board()];
  slowly.holdFrom('chat.postMessage', 1000);
  first.show(view);
  await until('the first post is on its way', () => Promise.resolve(slowly.hasCaught));
  slowly.hold();
  // It lost its lease meanwhile.
  first.doubt();
  second.show(view);
  await second.idle(patienceMs);
  const [parent] = it.parents();
  slowly.release();
  await until('the first process knows of its post', async () => {
    const entries = await it.journal.entries(it.incident.id);
    const marks = entries.filter(({ kind }) => kind === 'incident-told');
    return marks.some(({ body }) => !body.includes(parent?.ts ?? ''));
  });
  await first.idle(patienceMs);
  expect(it.parents().map(({ ts }) => ts)).toEqual([parent?.ts]);
  expect(await createIncidentMarks(it.journal).readMark(it.incident.id)).toMatchObject({
    place: { ts: parent?.ts },
  });
  await it.note('It goes on.');
  second.show({ ...view, incident: { ...view.incident, version: 2 } });
  await second.idle(patienceMs);
  expect(it.replies().map(({ thread_ts: thread }) => thread)).toEqual([parent?.ts, parent?.ts]);
  expect(textOf(it.replies()).match(/An alert fired|It goes on/g)).toHaveLength(2);
});
