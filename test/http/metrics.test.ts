import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { createMeter } from '../../src/http/metrics.ts';
import type { Metrics } from '../../src/http/metrics.ts';
import { serve } from './served.ts';
import type { Served } from './served.ts';

let served: Served | undefined;

afterEach(async () => {
  await served?.close();
  served = undefined;
});

function check(meter: Metrics, target: string, via: 'warm' | 'none'): void {
  const state = via === 'none' ? 'unknown' : 'fine';
  meter.check({ target, tookMs: 12, state, reach: { via, rungs: [] } });
}

/** The lines of one metric, without its help. */
async function linesOf(meter: Metrics, name: string): Promise<readonly string[]> {
  const lines = (await meter.expose()).split('\n');
  return lines.filter((line) => line.startsWith(name) && !line.startsWith('#'));
}

test('a target is reached by one rung at a time', async () => {
  const meter = createMeter();
  check(meter, 'orders', 'warm');
  check(meter, 'orders', 'none');
  expect(await linesOf(meter, 'dbconn_reach')).toEqual([
    'dbconn_reach{target="orders",via="none"} 1',
  ]);
  expect(await linesOf(meter, 'dbconn_checks_total')).toEqual([
    'dbconn_checks_total{target="orders",state="fine",via="warm"} 1',
    'dbconn_checks_total{target="orders",state="unknown",via="none"} 1',
  ]);
  expect(await linesOf(meter, 'dbconn_check_duration_seconds_count')).toEqual([
    'dbconn_check_duration_seconds_count 2',
  ]);
});

test('counters that alerts stand on begin at zero, so that the first increase is seen', async () => {
  const meter = createMeter();
  expect(await linesOf(meter, 'dbconn_escalations_total')).toContain(
    'dbconn_escalations_total{what="overdue"} 0',
  );
  expect(await linesOf(meter, 'dbconn_webhooks_total')).toContain(
    'dbconn_webhooks_total{status="503"} 0',
  );
  expect(await linesOf(meter, 'dbconn_alerts_total')).toContain(
    'dbconn_alerts_total{outcome="refused"} 0',
  );
});

test('however many targets, methods and outcomes there are, the series are bounded', async () => {
  const meter = createMeter();
  for (let number = 0; number < 2000; number += 1) {
    check(meter, `target-${number}`, 'warm');
    meter.slackCall({ method: `method.${number}`, outcome: 'ok' });
    meter.request(`option-${number}`, `outcome-${number}`);
    meter.alert(`outcome-${number}`);
  }
  expect(await linesOf(meter, 'dbconn_reach')).toHaveLength(501);
  expect(await linesOf(meter, 'dbconn_reach{target="other"')).toHaveLength(1);
  expect((await linesOf(meter, 'dbconn_slack_calls_total')).length).toBeLessThanOrEqual(62);
  expect((await linesOf(meter, 'dbconn_requests_total')).length).toBeLessThanOrEqual(60);
  expect((await linesOf(meter, 'dbconn_alerts_total')).length).toBeLessThanOrEqual(21);
});

test('what /metrics serves is text that names memory and the event loop too', async () => {
  served = await serve({ incidents: { alert: () => Promise.reject(new Error('unused')) } });
  const response = await served.get('/metrics');
  expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
  const text = await response.text();
  expect(text).toContain('process_resident_memory_bytes ');
  expect(text).toContain('nodejs_eventloop_lag_p99_seconds ');
});

test('every metric of dbconn is explained in docs/metrics.md, and nothing else is', async () => {
  const meter = createMeter();
  const exposed = await meter.expose();
  const names = [...exposed.matchAll(/^# TYPE (dbconn_\w+)/gm)].map(([, name]) => name);
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const explained = [...page.matchAll(/^\| `(dbconn_\w+)/gm)].map(([, name]) => name);
  expect(new Set(explained)).toEqual(new Set(names));
  expect(explained).toHaveLength(names.length);
});

test('every metric of dbconn is on the dashboard', () => {
  const documented = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const dashboard = readFileSync(
    new URL('../../deploy/grafana/dbconn.json', import.meta.url),
    'utf8',
  );
  const names = [...documented.matchAll(/^\| `(dbconn_\w+)/gm)].map(([, name = '']) => name);
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !dashboard.includes(name))).toEqual([]);
});

test.skipIf(!hasPromtool())('promtool finds nothing to say about the metrics', async () => {
  const meter = createMeter();
  check(meter, 'orders', 'warm');
  meter.slackCall({ method: 'chat.update', outcome: 'limited' });
  meter.request('A', 'fixed');
  meter.incidents(1, true);
  const own = (await meter.expose()).replaceAll(/^.*(nodejs|process)_.*\n/gm, '');
  const said = execFileSync('promtool', ['check', 'metrics'], { input: own, encoding: 'utf8' });
  expect(said).toBe('');
});

function hasPromtool(): boolean {
  try {
    execFileSync('promtool', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
