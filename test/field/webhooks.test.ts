import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import type { Incident } from '../../src/runbook/incidents/incident.ts';
import { createIncidents } from '../../src/runbook/incidents/incidents.ts';
import type { Incidents } from '../../src/runbook/incidents/incidents.ts';
import { defaultIncidentRules } from '../../src/runbook/incidents/rules.ts';
import { defaultLimits } from '../../src/runbook/snapshot/target.ts';
import { systemClock } from '../../src/timing.ts';
import { bearer, serve } from '../http/served.ts';
import type { Served } from '../http/served.ts';
import { makeJournalFolder } from '../journal/temporary-journal.ts';
import type { JournalFolder } from '../journal/temporary-journal.ts';

/** Webhooks as Alertmanager and Grafana send them, over HTTP, and the incidents they make in a journal on disk. */

let folder: JournalFolder;
let journal: StoredJournal;
let incidents: Incidents;
let served: Served;

beforeEach(async () => {
  folder = makeJournalFolder();
  journal = await folder.open();
  const names = ['PgTooManyConnections', 'DatasourceNoData', 'DatasourceError'];
  const alerts = [
    ...defaultIncidentRules.alerts,
    ...names.map((name) => [name, 'warning'] as const),
  ];
  incidents = createIncidents({
    log: journal,
    clock: systemClock,
    targets: [
      {
        name: 'orders',
        services: [{ name: 'backend', workers: 1 }],
        applicationRoles: [],
        protectedApplications: [],
        limits: defaultLimits,
        links: { guides: [] },
        contacts: {},
        alertLabels: [],
      },
    ],
    rules: { ...defaultIncidentRules, alerts: new Map(alerts) },
    policyOf: () => [],
  });
  served = await serve({ incidents });
});
afterEach(async () => {
  await served.close();
  folder.close();
});

const grafana = { version: '1', orgId: 1, title: '[FIRING:1]', state: 'alerting', message: 'm' };
const alertmanager = { version: '4' };

interface Sent {
  readonly labels: Record<string, string>;
  readonly from?: object;
  readonly status?: string;
  readonly startsAt?: string;
  readonly endsAt?: string;
}

async function send({ labels, from = alertmanager, ...rest }: Sent): Promise<void> {
  const alert = {
    status: 'firing',
    annotations: {},
    startsAt: '2026-11-29T02:00:00.123456789Z',
    endsAt: '0001-01-01T00:00:00Z',
    generatorURL: '',
    fingerprint: 'aa27308332970941',
    labels,
    ...rest,
  };
  const group = { receiver: 'dbconn', status: alert.status, groupLabels: {}, commonLabels: {} };
  const groupKey = '{}/{a=~"^(?:x)$"}:{alertname="x"}';
  const external = { commonAnnotations: {}, externalURL: 'http://am:9093', truncatedAlerts: 0 };
  const body = { ...group, ...external, groupKey, alerts: [alert], ...from };
  expect((await served.send(JSON.stringify(body))).status).toBe(202);
}

async function open(): Promise<readonly Incident[]> {
  const found = await incidents.list();
  if (!found.ok) throw new Error(found.refusal.why);
  return found.value;
}

describe.each(['DatasourceNoData', 'DatasourceError'])('%s of Grafana', (alertname) => {
  const labels = { alertname, datasource_uid: 'PB1', ref_id: 'A', grafana_folder: 'Hosts' };

  test('about another rule opens nothing, though its own name is listed', async () => {
    await send({ labels: { ...labels, rulename: 'Disk almost full' }, from: grafana });
    expect(await open()).toEqual([]);
    const metrics = await (await served.get('/metrics')).text();
    expect(metrics).toContain('dbconn_alerts_total{outcome="ignored"} 1\n');
  });

  test('about a rule that dbconn minds opens what that rule would, and its end is heard', async () => {
    const about = { ...labels, rulename: 'DatabaseConnectionPoolExhausted' };
    await send({ labels: about, from: grafana });
    expect(await open()).toMatchObject([
      { target: 'orders', severity: 'critical', triggers: [{ name: alertname, endedAt: null }] },
    ]);
    const [incident] = await open();
    const sentences = (await journal.readNotes(incident?.id ?? '', 0)).map((note) => note.sentence);
    expect(sentences.join(' ')).toContain(`${alertname} of DatabaseConnectionPoolExhausted fires`);
    const endsAt = '2026-11-29T02:05:00Z';
    await send({ labels: about, from: grafana, status: 'resolved', endsAt });
    expect((await open())[0]?.triggers).toMatchObject([{ endedAt: expect.any(String) as unknown }]);
  });

  test('without the rule’s name is judged by its own', async () => {
    await send({ labels, from: grafana });
    expect(await open()).toMatchObject([{ severity: 'warning' }]);
  });
});

describe('severity', () => {
  const labels = { alertname: 'PgTooManyConnections', service: 'backend' };

  test.for(['critical', 'Critical', 'CRITICAL', ' critical '])(
    '%s is critical',
    async (severity) => {
      await send({ labels: { ...labels, severity } });
      expect(await open()).toMatchObject([{ severity: 'critical' }]);
      expect(served.lines).toEqual([]);
    },
  );

  test('another word leaves the rule’s own, and is said once', async () => {
    await send({ labels: { ...labels, severity: 'P1\u202E' } });
    await send({ labels: { ...labels, severity: 'P1' } });
    await send({ labels: { ...labels, severity: 'page' }, startsAt: '2026-11-29T03:00:00Z' });
    await send({ labels: { alertname: 'SomethingElse', severity: 'sev2' } });
    expect(await open()).toMatchObject([{ severity: 'warning' }]);
    expect(served.lines).toHaveLength(2);
    expect(served.lines[0]).toMatch(/severity that dbconn does not know.*"word":"P1"/);
    expect(served.lines[1]).toContain('"word":"page"');
  });

  test('none, or an empty one, is the rule’s own and nothing to say', async () => {
    await send({ labels: { ...labels, severity: '' } });
    expect(await open()).toMatchObject([{ severity: 'warning' }]);
    expect(served.lines).toEqual([]);
  });

  test('however many words come, the log stays short', async () => {
    for (let number = 0; number < 60; number += 1) {
      await send({ labels: { ...labels, severity: `sev${number}` } });
    }
    expect(served.lines).toHaveLength(20);
  });
});

test('a start in another zone, with nanoseconds, is the same moment for its end', async () => {
  const labels = { alertname: 'PgTooManyConnections', service: 'backend' };
  await send({ labels, startsAt: '2026-11-29T02:00:00.123456789Z' });
  await send({
    labels,
    status: 'resolved',
    startsAt: '2026-11-29T03:00:00.123456789+01:00',
    endsAt: '2026-11-29T03:05:00+01:00',
  });
  expect((await open())[0]?.triggers).toMatchObject([
    { startsAt: '2026-11-29T02:00:00.123Z', endedAt: '2026-11-29T02:05:00.000Z' },
  ]);
});

test('labels of any name and any text are taken, and what they say does no harm', async () => {
  await send({
    labels: {
      alertname: 'PgTooManyConnections',
      'service.name': 'backend',
      'k8s.pod/name': 'é\u202E<!channel>',
    },
  });
  expect(await open()).toMatchObject([{ target: 'orders' }]);
  expect(JSON.stringify(await open())).not.toContain('channel>');
  expect(served.lines.join(' ')).not.toContain(bearer);
});
