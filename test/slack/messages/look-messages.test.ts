import { describe, expect, test } from 'vitest';
import { checkBlocks } from '../../../sandbox/slack/check-payload.ts';
import { diagnose } from '../../../src/runbook/diagnose/diagnose.ts';
import { diagnosisMessages } from '../../../src/slack/handlers/read-commands.ts';
import { sourcesMessage } from '../../../src/slack/messages/sessions.ts';
import { statusMessage } from '../../../src/slack/messages/status.ts';
import { renderDiagnosis } from '../../../src/terminal/render/diagnosis.ts';
import { aReading, aSnapshot } from '../../runbook/diagnose/builders.ts';
import * as scenes from '../../runbook/diagnose/scenes.ts';
import { plain } from '../../terminal/plain.ts';
import {
  aDiagnosis,
  anUnreachedDiagnosis,
  aHolder,
  aSession,
  aTarget,
} from '../support/diagnoses.ts';
import { toText } from '../support/to-text.ts';

const target = aTarget();
const view = { diagnosis: aDiagnosis(), target };

describe('every word', () => {
  const words = Object.entries(diagnosisMessages);
  test.for(words)('%s is a message Slack takes, with a complete line of text', ([, build]) => {
    const { blocks, text } = build(view);
    expect(checkBlocks('message', blocks)).toEqual([]);
    expect(text).toContain('orders');
    expect(text.length).toBeGreaterThan(30);
    expect(text).not.toContain('\n');
    const sent = JSON.stringify(blocks);
    expect(sent).not.toContain('mrkdwn');
    expect(sent.split('"plain_text"').length).toBe(sent.split('"emoji":false').length);
  });

  test.for(words)('%s is a message Slack takes when PostgreSQL was not reached', ([, build]) => {
    const { blocks } = build({ diagnosis: anUnreachedDiagnosis(), target });
    expect(checkBlocks('message', blocks)).toEqual([]);
    expect(toText({ blocks })).toContain('PostgreSQL not reached');
  });

  test.for(words)('%s shows the links of the target and how it was obtained', ([, build]) => {
    const shown = toText(build(view));
    expect(shown).toContain('Dashboard');
    expect(shown).toContain('Connection management');
    expect(shown).toContain('{container="backend"} |= "connection"');
    expect(shown).toContain('PostgreSQL 18.4 by the warm connection in 12 ms');
    expect(JSON.stringify(build(view).blocks)).toContain('"fallback":"03:04:05 UTC"');
  });
});

test.for(['sessions', 'blocking', 'idle'] as const)(
  '%s says what the role may not see and the command that lets it, in Slack and in a terminal',
  (word) => {
    const visibility = { ...aReading().visibility, monitor: false };
    const reading = aReading({ counts: { hidden: 40 }, visibility });
    const diagnosis = diagnose(scenes.input({ snapshot: aSnapshot({ reading }) }));
    const shown = toText(diagnosisMessages[word]({ diagnosis, target }));
    const lines = renderDiagnosis(diagnosis, word, plain).replaceAll(/\s+/g, ' ');
    for (const text of [shown, lines]) {
      expect(text).toContain('40 sessions of other roles cannot be seen');
      expect(text).toMatch(/Fix: +GRANT pg_monitor TO "?\w+"?;/);
      expect(text).toContain('among those that dbconn’s role may see.');
    }
  },
);

describe('status', () => {
  test('the first line tells the state in words and figures', () => {
    const [first] = statusMessage(view).blocks;
    expect(first).toMatchObject({
      type: 'header',
      text: {
        text: '🔴 Critical, orders: 94 of 97 usable connections, full in about 4 minutes.',
      },
    });
  });

  test('the text for screen readers is the state, the figures and the cause', () => {
    expect(statusMessage(view).text).toBe(
      'Critical, orders: 94 of 97 usable connections, full in about 4 minutes. ' +
        'This looks like a connection leak: 65 sessions of backend are idle in transaction.',
    );
  });

  test('the order is state, cause, remedies, holders, blockers, pools, findings, links', () => {
    const shown = toText(statusMessage(view));
    const order = [
      'Critical, orders',
      'This looks like',
      'Option C:',
      'Who | Clients',
      'Blocked: 1 session waits',
      'backend: 14 of 15 checked out (93%)',
      'Docker refuses',
      'Dashboard',
    ].map((words) => shown.indexOf(words));
    expect(order).not.toContain(-1);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test('a blocker is named with what its session does', () => {
    expect(toText(statusMessage(view))).toMatch(
      /PID 4242 +blocks 1 session :\s+backend +idle in transaction for 14 min, wrote data/,
    );
  });

  test('an option that lacks a privilege says which', () => {
    expect(toText(statusMessage(view))).toContain('Not possible yet: The role may not signal');
  });

  test('the finding the first line already tells is not told twice', () => {
    expect(toText(statusMessage(view))).not.toContain('3 slots are free.');
  });

  test('three looks make a chart, two do not', () => {
    const chartOf = (points: number): boolean => {
      const history = aDiagnosis().history.slice(0, points);
      const { blocks } = statusMessage({ diagnosis: aDiagnosis({ history }), target });
      return blocks.some(({ type }) => type === 'data_visualization');
    };
    expect([2, 3].map(chartOf)).toEqual([false, true]);
  });

  test('a long history is thinned to twenty points that keep the first and the last', () => {
    const history = Array.from({ length: 97 }, (_, minute) => ({
      at: new Date(Date.UTC(2026, 10, 23, 1, minute)).toISOString(),
      used: minute,
      usable: 97,
    }));
    const { blocks } = statusMessage({ diagnosis: aDiagnosis({ history }), target });
    const chart = blocks.find((block) => block.type === 'data_visualization');
    const used = chart?.chart.series[0]?.data.map(({ value }) => value) ?? [];
    expect(used).toHaveLength(20);
    expect([used[0], used.at(-1)]).toEqual([0, 96]);
    expect(checkBlocks('message', blocks)).toEqual([]);
  });

  test('looks that stand closer together lately are drawn the same time apart', () => {
    const minutes = [
      ...Array.from({ length: 45 }, (_, minute) => minute),
      ...Array.from({ length: 61 }, (_, quarter) => 45 + quarter / 4),
    ];
    const history = minutes.map((minute) => ({
      at: new Date(Date.UTC(2026, 10, 23, 1) + minute * 60_000).toISOString(),
      used: Math.floor(minute),
      usable: 97,
    }));
    const { blocks } = statusMessage({ diagnosis: aDiagnosis({ history }), target });
    const chart = blocks.find((block) => block.type === 'data_visualization');
    const used = chart?.chart.series[0]?.data.map(({ value }) => value) ?? [];
    const steps = used.slice(1).map((value, index) => value - (used[index] ?? 0));
    expect(used).toHaveLength(20);
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThanOrEqual(1);
  });

  test('only the largest holders are shown, and the others are counted', () => {
    const holders = Array.from({ length: 40 }, (_, i) => aHolder({ total: 40 - i }));
    const diagnosis = aDiagnosis({ holders });
    expect(toText(statusMessage({ diagnosis, target }))).toContain('and 34 more holders');
  });

  test('a database that was not seen says why and what to do before anything else', () => {
    const shown = toText(statusMessage({ diagnosis: anUnreachedDiagnosis(), target }));
    const lines = shown.split('\n');
    expect(lines[2]).toMatch(/accepts connections but answers none of them. +Fix: +See whether/);
    expect(shown).toContain('Tried warm: no answer in 2 s; connection: no answer in 1 s');
  });

  test('replicas and findings that say the same are said once', () => {
    const { findings, pools } = aDiagnosis();
    const diagnosis = aDiagnosis({
      findings: [...findings, ...findings],
      pools: [...pools, ...pools, ...pools],
    });
    const shown = toText(statusMessage({ diagnosis, target }));
    expect(shown.split('Docker refuses')).toHaveLength(2);
    expect(shown).toContain('backend: 14 of 15 checked out (93%), 3 times');
  });

  test('what the lists and options already tell is not found once more', () => {
    const ids = ['pool-near-limit', 'lock-waits', 'terminate-candidates', 'half-open-logins'];
    const findings = ids.map((id) => ({
      id,
      severity: 'warning' as const,
      summary: `About ${id}.`,
      evidence: [],
    }));
    const shown = toText(statusMessage({ diagnosis: aDiagnosis({ findings }), target }));
    const told = ids.filter((id) => shown.includes(`About ${id}.`));
    expect(told).toEqual(['half-open-logins']);
  });

  test('a source without a name is a dash, never an empty cell that Slack refuses', () => {
    expect(toText(sourcesMessage(view))).toContain('– | local |');
  });
});

test('every word says every night of the diagnosis in blocks Slack takes', () => {
  const nights = [
    scenes.healthyBusy,
    scenes.leakInTransaction,
    scenes.leakIdle,
    scenes.slowQueries,
    scenes.uncommitted,
    scenes.scaling,
    scenes.poolTooLarge,
    scenes.poolTooSmall,
    scenes.lockContention,
  ];
  for (const night of nights) {
    const input = night();
    const diagnosis = diagnose(input);
    for (const build of Object.values(diagnosisMessages)) {
      const { blocks, text } = build({ diagnosis, target: input.target });
      expect(checkBlocks('message', blocks)).toEqual([]);
      expect(text).toContain(input.target.name);
    }
    const status = toText(statusMessage({ diagnosis, target: input.target }));
    expect(status).toContain(diagnosis.headline);
    expect(status).toContain(diagnosis.verdict);
    for (const { option } of diagnosis.proposals) expect(status).toContain(`Option ${option}:`);
  }
});

test('a pid is shown as a name, not as a number with separators', () => {
  const { blocks } = diagnosisMessages.sessions(view);
  const table = blocks.find((block) => block.type === 'table');
  expect(table?.rows[1]?.at(-1)).toEqual({ type: 'raw_text', text: '4242' });
});

test('sessions of the same application, user, state and statement are one row, with the oldest first', () => {
  const alike = Array.from({ length: 60 }, (_, i) => aSession({ pid: 5000 + i }));
  const sessions = [...alike, aSession({ pid: 7, state: 'active', fingerprint: 'f2' })];
  const shown = toText(diagnosisMessages.sessions({ diagnosis: aDiagnosis({ sessions }), target }));
  expect(shown).toContain('61 sessions in 2 groups');
  expect(shown).toMatch(/60 \| idle in transaction .*\| 5000, 5001, 5002, 5003, 5004 and 55 more/);
  expect(shown).toMatch(/1 \| active .* backend .*\| 7$/m);
});

test('groups of sessions that do not fit are counted', () => {
  const sessions = Array.from({ length: 60 }, (_, i) => aSession({ fingerprint: `f${i}` }));
  const shown = toText(diagnosisMessages.sessions({ diagnosis: aDiagnosis({ sessions }), target }));
  expect(shown).toContain('and 45 more groups');
});

test('an answer without sessions says what was searched, and what to try', () => {
  const { capacity } = aDiagnosis();
  if (capacity === null) throw new Error('It was not seen.');
  const byState = { ...capacity.byState, idleInTransaction: 0, idleInTransactionAborted: 0 };
  const { blocking } = anUnreachedDiagnosis();
  const seen = { capacity: { ...capacity, byState }, sessions: [], blocking };
  const diagnosis = aDiagnosis(seen);
  const said = (['sessions', 'idle', 'blocking'] as const).map(
    (word) => diagnosisMessages[word]({ diagnosis, target }).text,
  );
  for (const text of said) expect(text).toMatch(/No session .* dbconn checked .* try \/dbconn/);
});

test('idle names the statement that leaks and shows only sessions idle in transaction', () => {
  const shown = toText(diagnosisMessages.idle(view));
  expect(shown).toMatch(/65 sessions +of +backend , oldest 14 min, 61 wrote data/);
  expect(shown).toMatch(/\| 4242$/m);
  expect(shown).not.toContain('4243');
});

test('blocking shows prepared transactions and deadlocks by name', () => {
  const blocking = {
    waiters: [
      { pid: 7, waitsFor: [0, 8], lock: 'tuple', relation: 'public.stock', waitSeconds: 3 },
    ],
    waitersTotal: 40,
    truncated: true,
    roots: [{ prepared: 'tx-17', victims: 2 }],
    cycles: [[7, 8]],
  };
  const shown = toText(diagnosisMessages.blocking({ diagnosis: aDiagnosis({ blocking }), target }));
  expect(shown).toContain('40 sessions wait behind 1 root blocker. 1 deadlock is in progress.');
  expect(shown).toMatch(/Prepared transaction +tx-17 +blocks 2 sessions/);
  expect(shown).toMatch(/Deadlock: +7 → 8/);
  expect(shown).toMatch(
    /1 session +waits behind +a prepared transaction, 8 +on +public\.stock , for 3 s. PIDs: +7/,
  );
  expect(shown).toMatch(/and +39 more sessions/);
});

test('the budget says when all together can exhaust the server', () => {
  const shown = toText(diagnosisMessages.pool(view));
  expect(shown).toContain('may open 134 connections; 97 are usable. They can exhaust the server.');
  expect(shown).toContain('backend | 4 | 2 | 10 | 5 | 120 | 80');
});

test('a number the budget lacks is said, not guessed', () => {
  const { budget } = aDiagnosis();
  const lines = budget.lines.map((line) => ({ ...line, poolSize: null, mayOpen: null }));
  const diagnosis = aDiagnosis({ budget: { ...budget, lines, mayOpen: null, canExhaust: null } });
  const shown = toText(diagnosisMessages.pool({ diagnosis, target }));
  expect(shown).toContain('is unknown: a number is missing below');
  expect(shown).toContain('backend | 4 | 2 | unknown | 5 | unknown | 80');
});

test('pool settings to change are below the budget, each with what to set', () => {
  const finding = {
    id: 'pool-setting-pre-ping-off',
    severity: 'info' as const,
    summary: 'backend does not try a connection before it uses it.',
    evidence: [],
    fix: 'Set DATABASE_POOL_PRE_PING=true.',
  };
  const message = diagnosisMessages.pool({
    diagnosis: aDiagnosis({ findings: [finding] }),
    target,
  });
  expect(checkBlocks('message', message.blocks)).toEqual([]);
  expect(toText(message)).toMatch(/Settings backend does not .* Set DATABASE_POOL_PRE_PING=true\./);
});

test('causes bring the evidence for and against', () => {
  const shown = toText(diagnosisMessages.causes(view));
  expect(shown).toContain('Connection leak, 86% sure');
  expect(shown).toMatch(/For: +65 sessions are idle/);
  expect(shown).toMatch(/Against: +The pool is not above/);
});

test('logs count the lines of each kind with an example', () => {
  expect(toText(diagnosisMessages.logs(view))).toContain(
    'shop-backend-1 | pool-timeout | 12 | 8 s ago | QueuePool limit of size 10',
  );
});
