import { expect, test } from 'vitest';
import { mergeView } from '../../../src/slack/messages/incident-dialogs.ts';
import { checkView } from '../../../sandbox/slack/check-payload.ts';
import { buildIncident } from '../../journal/build-incident.ts';

const incident = buildIncident();
const others = ['users', 'billing'].map((target, index) =>
  buildIncident({ id: `inc-0other${index}`, target }),
);

test('of several open incidents none is chosen to merge into until somebody chooses', () => {
  const view = mergeView(incident, 'C1', others);
  expect(checkView(view)).toEqual([]);
  expect(JSON.stringify(view)).not.toContain('initial_option');
});

test('the only other open incident is chosen already', () => {
  const text = JSON.stringify(mergeView(incident, 'C1', others.slice(0, 1)));
  expect(text).toContain(
    '"initial_option":{"text":{"type":"plain_text","text":"users (inc-0other0)',
  );
});
