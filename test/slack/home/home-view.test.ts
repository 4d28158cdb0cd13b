import { describe, expect, test } from 'vitest';
import { checkView } from '../../../sandbox/slack/check-payload.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { newIncident } from '../../../src/runbook/incidents/incident.ts';
import type { TargetSummary } from '../../../src/slack/home/target-summaries.ts';
import type { HomeFacts } from '../../../src/slack/home/home-facts.ts';
import { homeView } from '../../../src/slack/home/home-view.ts';
import { rememberSummaries } from '../../../src/slack/home/target-summaries.ts';
import { buildPlan, buildRequest } from '../../runbook/approvals/builders.ts';
import { aDiagnosis, aTarget } from '../support/diagnoses.ts';
import { toText } from '../support/to-text.ts';
import { aMonitor } from '../support/workspace.ts';

const now = Date.parse('2026-11-23T03:05:00.000Z');

function aSummary(changes: Partial<TargetSummary> = {}): TargetSummary {
  return {
    target: 'orders',
    state: 'fine',
    headline: '12 of 97 usable connections.',
    capacity: { used: 12, usable: 97 },
    takenAt: '2026-11-23T03:04:50.000Z',
    sparkline: '▁▂▃',
    ...changes,
  };
}

function anIncident(changes: Partial<Incident> = {}): Incident {
  const trigger = { kind: 'watch', startsAt: '2026-11-23T03:00:00.000Z', endedAt: null } as const;
  const at = '2026-11-23T03:00:00.000Z';
  const opening = { target: 'orders', at, severity: 'critical', trigger, policy: [] } as const;
  return { ...newIncident(opening), ...changes };
}

function facts(changes: Partial<HomeFacts> = {}): HomeFacts {
  return {
    readAtMs: now,
    summaries: [aSummary()],
    stop: null,
    votable: [],
    othersWaiting: 0,
    incidents: [],
    openIncidents: 0,
    ended: [],
    problems: [],
    ...changes,
  };
}

function show(changes: Partial<HomeFacts> = {}): string {
  const view = homeView(facts(changes));
  expect(checkView(view)).toEqual([]);
  return toText(view);
}

describe('the Home tab', () => {
  test('five hundred targets fit: the worst come first and the rest is counted', () => {
    const summaries = Array.from({ length: 500 }, (_, index) =>
      aSummary({
        target: `shop-${index}`,
        capacity: { used: index % 90, usable: 97 },
        ...(index === 321 && { state: 'critical', headline: '97 of 97 usable connections: full.' }),
        ...(index % 100 === 7 && { state: 'warning' }),
        ...(index === 499 && { state: 'unknown', headline: 'PostgreSQL cannot be reached.' }),
      }),
    );
    const text = show({ summaries });
    expect(text).toContain('🔴 6 of 500 targets have problems');
    const marks = [...text.matchAll(/(🔴|🟠|⚪|🟢) shop-\d+/gu)].map(([, mark]) => mark);
    expect(marks).toHaveLength(19);
    expect(marks.slice(0, 8).join('')).toBe('🔴🟠🟠🟠🟠🟠⚪🟢');
    expect(text).toContain('and 481 more: 481 fine');
  });

  test('shows the recent figures of each target as bars', () => {
    expect(show()).toContain('▁▂▃');
  });

  test('says in one line what is wrong, or that nothing is', () => {
    const critical = aSummary({ state: 'critical' });
    expect(show({ summaries: [critical, aSummary({ target: 'billing' })] })).toContain(
      '🔴 orders: critical',
    );
    expect(show({ summaries: [aSummary(), aSummary({ target: 'billing' })] })).toContain(
      '🟢 All 2 targets are fine',
    );
    expect(show({ summaries: [aSummary({ state: 'unknown', takenAt: null })] })).toContain(
      '⚪ orders cannot be checked',
    );
  });

  test('a check that is older than two minutes says when it was', () => {
    expect(show()).not.toContain('Checked at');
    const takenAt = '2026-11-23T03:02:00.000Z';
    expect(show({ summaries: [aSummary({ takenAt })] })).toContain('Checked at');
  });

  test('an open incident says who owns it, since when, and that it is silenced', () => {
    const item = anIncident({
      assignee: { by: { id: 'UANN', via: 'slack' }, at: '2026-11-23T03:01:00.000Z' },
      silence: {
        by: { id: 'UANN', via: 'slack' },
        at: '2026-11-23T03:01:00.000Z',
        until: '2026-11-23T04:00:00.000Z',
        reason: 'a load test',
      },
    });
    const url = 'https://sandbox.slack.com/archives/C1/p1';
    const view = homeView(facts({ incidents: [{ item, url }], openIncidents: 1 }));
    const text = toText(view);
    expect(text).toContain('1 open incident');
    expect(text).toMatch(/owner +since/);
    expect(text).toContain('silenced until');
    expect(JSON.stringify(view)).toContain('"user_id":"UANN"');
    expect(JSON.stringify(view)).toContain(`"url":"${url}"`);
    expect(show({ incidents: [{ item: anIncident(), url: undefined }], openIncidents: 1 })).toMatch(
      /no owner/,
    );
  });

  test('an incident without a message gets no button', () => {
    const view = homeView(
      facts({ incidents: [{ item: anIncident(), url: undefined }], openIncidents: 1 }),
    );
    expect(view.blocks.filter(({ type }) => type === 'actions')).toEqual([]);
  });

  test('what ended says how long it lasted, and what was done', async () => {
    const request = await buildRequest({
      state: 'done',
      result: {
        report: { items: [], summary: '2 ended.', finished: true },
        outcome: null,
        endedAt: '2026-11-23T03:03:00.000Z',
      },
    });
    const closing = {
      by: null,
      at: '2026-11-23T03:04:00.000Z',
      sentence: 'Every check in the last 5 minutes was fine.',
      reason: null,
    };
    const text = show({
      ended: [
        { item: anIncident({ state: 'resolved', closing }), url: undefined, requests: [request] },
      ],
    });
    expect(text).toContain('Last outcomes');
    expect(text).toMatch(/orders {2}resolved after {2}4 min/);
    expect(text).toContain('Done: ended 2 sessions idle in transaction');
  });

  test('what somebody wrote stays text, and the longest names stay within Slack’s limits', async () => {
    const hostile = '<!channel> <https://evil.example|Approve> *now*';
    const plan = buildPlan({ title: 'x'.repeat(5000), target: 'y'.repeat(500) });
    const request = await buildRequest({ plan });
    const url = 'https://sandbox.slack.com/archives/C1/p1';
    const stop = { by: '<@UANN>', at: '2026-11-23T03:00:00.000Z', reason: hostile };
    const many = Array.from({ length: 30 }, () => ({ item: request, url }));
    const view = homeView(
      facts({
        stop,
        votable: many,
        othersWaiting: 3,
        incidents: many.map(() => ({ item: anIncident({ target: 'z'.repeat(300) }), url })),
        openIncidents: 30,
        problems: [hostile],
      }),
    );
    expect(checkView(view)).toEqual([]);
    expect(JSON.stringify(view)).not.toContain('mrkdwn');
    expect(toText(view)).toContain(hostile);
    expect(toText(view)).toContain('3 more requests wait for somebody else.');
  });
});

describe('the latest checks', () => {
  test('are those of anybody who checked, and a target that was not checked says so', async () => {
    const { monitor, readSummaries } = rememberSummaries(aMonitor());
    expect(readSummaries().map(({ headline }) => headline)).toEqual([
      'Not checked yet.',
      'Not checked yet.',
    ]);
    await monitor.diagnose('orders');
    expect(readSummaries()).toEqual([
      {
        target: 'orders',
        state: 'critical',
        headline: '94 of 97 usable connections, full in about 4 minutes.',
        capacity: { used: 94, usable: 97 },
        takenAt: '2026-11-23T03:04:05.678Z',
        sparkline: '▅▆▇█',
      },
      expect.objectContaining({ target: 'billing.prod', takenAt: null }),
    ]);
  });

  test('are taken with the effort that was asked for', async () => {
    const efforts: unknown[] = [];
    const refuse = (): Promise<never> => Promise.reject(new Error('This test looks at nothing.'));
    const { monitor } = rememberSummaries({
      ...aMonitor(),
      runCheck(_, effort) {
        efforts.push(effort);
        return refuse();
      },
    });
    await expect(monitor.runCheck('orders', 'sparing')).rejects.toThrow('looks at nothing');
    await expect(monitor.runCheck('orders')).rejects.toThrow('looks at nothing');
    expect(efforts).toEqual(['sparing', undefined]);
  });

  test('an older check that ends later does not replace a newer one', async () => {
    const times = ['2026-11-23T03:04:06.000Z', '2026-11-23T03:04:05.000Z'];
    const { monitor, readSummaries } = rememberSummaries(
      aMonitor({
        targets: [aTarget()],
        diagnose: (target) =>
          Promise.resolve(aDiagnosis({ target, takenAt: times.shift() ?? 'never' })),
      }),
    );
    await monitor.diagnose('orders');
    await monitor.diagnose('orders');
    expect(readSummaries()[0]?.takenAt).toBe('2026-11-23T03:04:06.000Z');
  });
});
