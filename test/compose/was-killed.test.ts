import { expect, test } from 'vitest';
import { wasKilled } from '../../src/docker/after-start.ts';
import { bytes, html, silence, startFakeEngine } from './fake-engine.ts';
import type { Answer } from './fake-engine.ts';

const run = {
  startedAt: '2026-11-23T03:00:00.500000000Z',
  endedBy: '2026-11-23T03:05:00.250000000Z',
};

function killed(signal: string, at: string): Buffer {
  const event = {
    Type: 'container',
    Action: 'kill',
    Actor: { ID: 'backend1', Attributes: { signal } },
    timeNano: Date.parse(at) * 1e6,
  };
  return Buffer.from(`${JSON.stringify(event)}\n`);
}

/** Says that much, and then neither more nor goodbye. */
function unending(chunk: Buffer): Answer {
  return (_request, response) => {
    response.writeHead(200).write(chunk);
  };
}

const within = '2026-11-23T03:04:59Z';

test.concurrent.for<[string, Answer, boolean]>([
  [
    'SIGTERM and, when that did not help, SIGKILL',
    bytes(killed('15', within), killed('9', within)),
    true,
  ],
  ['SIGTERM alone', bytes(killed('15', within)), false],
  ['SIGKILL that ended the run before it', bytes(killed('9', '2026-11-23T03:00:00.1Z')), false],
  ['nothing', bytes(), false],
  ['no events to whoever asks', html(403), false],
  ['no word', silence(), false],
  ['no end', unending(killed('9', within)), false],
])('an engine that tells of %s', async ([, events, expected]) => {
  await using engine = await startFakeEngine({ '^GET /events': events });
  expect(await wasKilled(engine.docker, 'backend1', run)).toBe(expected);
  const [asked] = engine.requests;
  expect(asked).toContain('since=1795402800&until=1795403101');
  expect(asked).toContain('{"container":["backend1"],"event":["kill"]}');
});
