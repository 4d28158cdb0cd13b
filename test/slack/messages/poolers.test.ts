import { expect, test } from 'vitest';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import { poolMessage } from '../../../src/slack/messages/pool.ts';
import { statusMessage } from '../../../src/slack/messages/status.ts';
import { aSnapshot, aTarget } from '../../runbook/diagnose/builders.ts';
import {
  aPoolerLook,
  aPoolerPool,
  aPoolerReading,
} from '../../runbook/diagnose/pooler-builders.ts';
import { toText } from '../support/to-text.ts';

const pools = [
  aPoolerPool({ clientsWaiting: 54, longestWaitSeconds: 41, servers: 20, fullBy: 'pool_size' }),
];
const poolers = [aPoolerLook({ name: 'front', reading: aPoolerReading({ pools, mayOpen: 40 }) })];
const target = aTarget();
const diagnosis = diagnose({ snapshot: aSnapshot({ poolers }), target, recent: [] });

test('the card says first that clients wait in the pooler, then where and behind what', () => {
  const message = statusMessage({ diagnosis, target });
  expect(checkBlocks('message', message.blocks)).toEqual([]);
  expect(message.text).toContain('54 clients wait in front; 11 of 97 usable connections.');
  const text = toText(message);
  expect(text).toContain('pooler queue');
  expect(text).toContain(
    'front: 12 of 100 clients, 54 waiting, 20 server connections, transaction mode',
  );
});

test('the budget has a line for the pooler, and its ceiling', () => {
  const message = poolMessage({ diagnosis, target });
  expect(checkBlocks('message', message.blocks)).toEqual([]);
  // 15 of the backend's own pool, dbconn's session, and 20 more of the pooler.
  expect(message.text).toContain('may open 36 connections; 97 are usable');
  expect(toText(message)).toContain('front');
});
