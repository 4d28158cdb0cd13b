import { assert, constantFrom, integer, oneof, property, record, string } from 'fast-check';
import { expect, test } from 'vitest';
import { toText } from '../../../sandbox/message-text.ts';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import type { KeptNote } from '../../../src/runbook/incidents/incident-log.ts';
import type { IncidentReport, Prevention } from '../../../src/runbook/reports/report.ts';
import { checklistMessage, reportMessage } from '../../../src/slack/messages/report.ts';
import { historyMessage } from '../../../src/slack/messages/incidents.ts';
import { fallbacksOf } from '../../../src/slack/messages/kit/fallbacks.ts';
import type { Message } from '../../../src/slack/messages/kit/message.ts';
import { preventionMessage } from '../../../src/slack/messages/prevention.ts';
import { buildIncident } from '../../journal/build-incident.ts';
import { endedThem, at } from '../../runbook/reports/night.ts';
import { aTarget } from '../support/diagnoses.ts';

const evil = constantFrom(
  '<!channel>',
  '<https://evil.example|Approve>',
  '```\n*bold* `code`',
  '\u202Edrowssap',
  'a\u0000b',
  'x'.repeat(10_000),
  ' ',
);
const text = oneof(evil, string({ unit: 'binary', maxLength: 40 }));

const request = await endedThem(1, [1, 2]);

function aReport(words: string, many: number): IncidentReport {
  const times = <T>(item: T): T[] => Array.from({ length: many }, () => item);
  const note: KeptNote = {
    kind: 'incident-seen',
    sentence: words,
    quote: words,
    seq: 1,
    at: at(1),
  };
  const advice = { setting: words, now: words, better: words, because: words, command: words };
  return {
    incident: anIncident(words),
    title: `shop ${words}`,
    timeline: times(note),
    graph: Array.from({ length: many }, (_, index) => ({ at: at(index), used: index, usable: 97 })),
    cause: {
      cause: 'connection-leak',
      confidence: 0.7,
      summary: words,
      because: times(words),
      against: times(words),
    },
    trouble: null,
    changes: times({ at: at(1), sentence: words }),
    remedies: times({ ...request, plan: { ...request.plan, title: words } }),
    phases: times({ name: words, tookMs: many }),
    prevention: times(advice),
    gaps: times(words),
  };
}

function anIncident(words: string): Incident {
  return buildIncident({
    state: 'resolved',
    peak: { at: at(3), used: 97, usable: 97 },
    assignee: { by: { id: 'UANN', via: 'slack' }, at: at(1) },
    closing: { by: null, at: at(20), sentence: words, reason: words },
    checklist: [{ item: 'pooler', by: { id: 'UBOB', via: 'slack' }, at: at(30) }],
  });
}

function aPrevention(words: string, many: number): Prevention {
  const check = {
    state: 'advice',
    part: 'postgresql',
    setting: words,
    now: words,
    better: words,
    because: words,
    command: 'propose prevention idle-in-transaction 10m',
  } as const;
  const pool = {
    database: words,
    user: words,
    mode: words,
    clientsActive: 1,
    clientsWaiting: 1,
    serversActive: 1,
    serversIdle: 1,
    servers: 2,
    size: null,
    reserve: 0,
    fullBy: null,
    longestWaitSeconds: 1,
  };
  return {
    target: 'shop',
    lookedAt: at(1),
    checks: Array.from({ length: many }, () => check),
    poolers: [
      {
        name: words,
        replicas: 1,
        version: words,
        mode: words,
        clients: 2,
        maxClients: 1,
        clientsWaiting: 1,
        longestWaitSeconds: 1,
        servers: 2,
        mayOpen: 'unlimited',
        services: [words],
        pools: Array.from({ length: many }, () => pool),
        poolsTotal: many,
      },
    ],
  };
}

/** In every dialect Slack takes it, and nobody is called by it but people who are named. */
function expectSafe(message: Message): void {
  for (const { message: said } of fallbacksOf(message, 'full')) {
    expect(said.text).not.toMatch(/<(?!@UANN>|@UBOB>)/);
    expect(said.text.length).toBeLessThanOrEqual(4000);
    expect(checkBlocks('message', [...said.blocks])).toEqual([]);
    expect(JSON.stringify(said.blocks)).not.toMatch(/"type":"(?:mrkdwn|broadcast|link)"/);
  }
}

test('whatever text it holds and however much, Slack takes a report, and nothing in it is interpreted', () => {
  assert(
    property(record({ words: text, many: integer({ min: 0, max: 130 }) }), ({ words, many }) => {
      expectSafe(reportMessage(aReport(words, many)));
    }),
  );
});

test('a report says when each vote was given, and when the change ran', () => {
  const [vote] = request.votes;
  if (vote === undefined || request.execution === null) throw new Error('It was approved and ran.');
  const remedy = {
    ...request,
    votes: [vote, { ...vote, by: { id: 'UCEM', via: 'slack' as const }, at: at(5) }],
    execution: { ...request.execution, startedAt: at(6) },
  };
  const { blocks } = reportMessage({ ...aReport('x', 1), remedies: [remedy] });
  const shown = toText({ blocks });
  const clock = (iso: string): string => `${iso.slice(11, 19)} UTC`;
  expect(shown).toContain(
    `approved by @UBOB at ${clock(vote.at)}, @UCEM at ${clock(at(5))}. Run at ${clock(at(6))}: `,
  );
});

test('the same of prevention, with a button that proposes', () => {
  assert(
    property(record({ words: text, many: integer({ min: 0, max: 60 }) }), ({ words, many }) => {
      const view = { target: aTarget(), offers: ['prevention'] } as const;
      expectSafe(preventionMessage({ ...view, prevention: aPrevention(words, many) }));
    }),
  );
  const offered = { target: aTarget(), offers: ['prevention'] } as const;
  const { blocks } = preventionMessage({ ...offered, prevention: aPrevention('x', 1) });
  expect(JSON.stringify(blocks)).toContain('prevention idle-in-transaction 10m');
  const { blocks: without } = preventionMessage({
    ...offered,
    offers: [],
    prevention: aPrevention('x', 1),
  });
  expect(without.some(({ type }) => type === 'actions')).toBe(false);
});

test('the same of the history and the checklist', () => {
  assert(
    property(text, integer({ min: 0, max: 50 }), (words, many) => {
      expectSafe(
        historyMessage(
          Array.from({ length: many }, () => anIncident(words)),
          'shop',
        ),
      );
      expectSafe(checklistMessage(anIncident(words)));
    }),
  );
});

test('a checklist that is done has no boxes, and says who did what', () => {
  const by = { id: 'UBOB', via: 'slack' } as const;
  const items = [
    'connection-patterns',
    'code-leaks',
    'pool-sizes',
    'pooler',
    'thresholds',
  ] as const;
  const checklist = items.map((item) => ({ item, by, at: at(30) }));
  const { text: line, blocks } = checklistMessage(buildIncident({ checklist }));
  expect(line).toContain('5 of 5 done');
  expect(blocks.some(({ type }) => type === 'actions')).toBe(false);
  expect(JSON.stringify(blocks).match(/UBOB/g)).toHaveLength(5);
});
