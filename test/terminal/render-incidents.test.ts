import { expect, test } from 'vitest';
import type { Prevention } from '../../src/runbook/reports/report.ts';
import type { Replay } from '../../src/runbook/reports/sealed-export/replay.ts';
import { renderIncidents } from '../../src/terminal/render/requests.ts';
import { renderPrevention } from '../../src/terminal/render/requests.ts';
import { renderReplay } from '../../src/terminal/commands/replay-command.ts';
import { buildIncident } from '../journal/build-incident.ts';
import { plain } from './plain.ts';

const nowMs = Date.parse('2026-11-23T03:23:00.000Z');
const listing = { title: 'Incidents', none: 'There was none.', nowMs, paint: plain };
const by = { id: 'UANN', via: 'slack' } as const;
const at = '2026-11-23T03:05:00.000Z';

test('an open incident is listed with how long it lasts, what it is and who has it', () => {
  const seen = {
    at,
    state: 'critical' as const,
    headline: '97 of 97 usable connections.',
    verdict: '',
    cause: 'connection-leak' as const,
    capacity: null,
    option: null,
    subject: null,
  };
  const incident = buildIncident({ first: seen, assignee: { by, at } });
  const text = renderIncidents([incident], listing).replaceAll(/\s+/g, ' ');
  expect(text).toContain('inc-0abc1234 shop 2026-11-23 03:00 23 minutes open connection leak');
  expect(text).toContain('owner UANN');
});

test('one that is over is listed with how long it lasted, and one that became a part with of what', () => {
  const closing = { by, at, sentence: 'It is over.', reason: null };
  const over = buildIncident({ state: 'resolved', closing });
  const part = buildIncident({ state: 'merged', mergedInto: 'inc-other000' });
  const text = renderIncidents([over, part], listing).replaceAll(/\s+/g, ' ');
  expect(text).toContain('5 minutes resolved not checked yet');
  expect(text).toContain('part of inc-other000');
  expect(renderIncidents([], listing)).toBe('There was none.');
});

test('prevention says what is well, what would be better and what to type', () => {
  const line = { because: 'Because of 12 sessions.', better: '10min', part: 'postgresql' } as const;
  const prevention: Prevention = {
    target: 'shop',
    lookedAt: at,
    checks: [
      { ...line, setting: 'idle_session_timeout', now: '30min', state: 'ok' },
      {
        ...line,
        setting: 'idle_in_transaction_session_timeout',
        now: '0',
        state: 'advice',
        command: 'propose prevention idle-in-transaction 10m',
      },
      { ...line, setting: 'PgBouncer', now: null, state: 'unknown', part: 'pooler' },
    ],
    poolers: [],
  };
  const text = renderPrevention(prevention, plain);
  expect(text).toContain('✓ idle_session_timeout: 30min\n');
  expect(text).toContain('! idle_in_transaction_session_timeout: 0 → 10min\n');
  expect(text).toContain('dbconn propose prevention idle-in-transaction 10m');
  expect(text).toContain('? PgBouncer: unknown → 10min');
  expect(text.indexOf('PostgreSQL')).toBeLessThan(text.indexOf('Pooler'));
});

test('a replay that differs says where and how, and what was left out', () => {
  const replay: Replay = {
    incident: 'inc-0abc1234',
    target: 'shop',
    sealedBy: '0.1.0',
    sealedAt: at,
    head: 'f'.repeat(64),
    policy: 'today',
    examinations: [
      {
        entry: 4,
        at,
        why: 'first',
        truncated: false,
        differences: [
          { what: 'cause', sealed: 'slow-queries', today: 'connection-leak' },
          { what: 'finding-gone', sealed: 'ghost', today: null },
        ],
      },
      { entry: 9, at, why: 'end', truncated: true, differences: [] },
    ],
    requests: [{ at, id: 'r1', differences: [{ what: 'votes-needed', sealed: 1, today: 2 }] }],
    journalProblem: 'An incident is not what its last entry says.',
    leftOut: { examinations: 2, entries: 0 },
    judged: 2,
    same: false,
  };
  const text = renderReplay(replay, plain);
  expect(text).toContain('≠ check at 03:05:00 (first), journal entry 4');
  expect(text).toContain('    cause: connection-leak, it was slow-queries');
  expect(text).toContain('    a finding is gone: ghost');
  expect(text).toContain('= check at 03:05:00 (end, kept in part');
  expect(text).toContain('    it would need 2 votes instead of 1');
  expect(text).toContain('2 checks did not fit');
  expect(text).toContain('not as it was written. An incident is not');
  const empty = { ...replay, examinations: [], requests: [], judged: 0 };
  expect(renderReplay(empty, plain)).toContain('nothing that could be judged');
});
