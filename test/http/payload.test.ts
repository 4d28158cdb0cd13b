import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostAlerts, readPayload } from '../../src/http/alert-payload.ts';
import { readFixture, readGrafanaFixture } from './read-fixture.ts';

const receivedAt = '2026-11-23T09:00:00.000Z';

const alert = {
  status: 'firing',
  labels: { alertname: 'DatabaseConnectionPoolExhausted' },
  startsAt: '2026-11-23T08:55:39.509Z',
  endsAt: '0001-01-01T00:00:00Z',
  fingerprint: 'ad0ca6886f893e2b',
};

function read(change: Record<string, unknown>): ReturnType<typeof readPayload> {
  return readPayload(JSON.stringify({ version: '4', alerts: [alert], ...change }), receivedAt);
}

test('a firing alert has no end, whatever its endsAt says', () => {
  const fired = readPayload(readFixture('01-firing-DatabaseConnectionPoolExhausted'), receivedAt);
  expect(fired).toMatchObject({
    kind: 'read',
    truncated: 0,
    alerts: [
      {
        status: 'firing',
        name: 'DatabaseConnectionPoolExhausted',
        fingerprint: 'ad0ca6886f893e2b',
        startsAt: '2026-11-23T08:55:39.509Z',
        endsAt: null,
        labels: { server: '172.18.0.2:5432', severity: 'critical' },
      },
    ],
  });
  const guessed = read({ alerts: [{ ...alert, endsAt: '2026-11-23T09:10:00Z' }] });
  expect(guessed).toMatchObject({ alerts: [{ endsAt: null }] });
});

test('a resolved alert is the firing one, ended', () => {
  const [fired, resolved] = ['01-firing', '05-resolved'].map((name) =>
    readPayload(readFixture(`${name}-DatabaseConnectionPoolExhausted`), receivedAt),
  );
  if (fired?.kind !== 'read' || resolved?.kind !== 'read') throw new Error('Not read.');
  const [{ fingerprint, startsAt } = {}] = fired.alerts;
  expect(resolved.alerts).toMatchObject([{ status: 'resolved', fingerprint, startsAt }]);
  expect(Date.parse(resolved.alerts[0]?.endsAt ?? '')).toBeGreaterThan(Date.parse(startsAt ?? ''));
});

test('each alert of a group has its own status, not the group’s', () => {
  const body = readFixture('21-mixed-firing-and-resolved-v0.28');
  expect(JSON.parse(body)).toMatchObject({ status: 'firing' });
  expect(readPayload(body, receivedAt)).toMatchObject({
    alerts: [
      { status: 'resolved', endsAt: '2026-11-23T08:59:17.000Z' },
      { status: 'firing', endsAt: null },
    ],
  });
});

test('a truncated group is read, and says how much is missing', () => {
  const body = readFixture('20-firing-truncated-v0.28');
  expect(readPayload(body, receivedAt)).toMatchObject({ kind: 'read', truncated: 1 });
});

test('Grafana’s alerts are read alike, its local time as UTC', () => {
  expect(readPayload(readGrafanaFixture(), receivedAt)).toMatchObject({
    alerts: [{ name: 'DatabaseConnectionPoolExhausted', startsAt: '2026-11-23T08:55:40.157Z' }],
  });
});

test('a resolved alert that does not say when ended when it came', () => {
  const { endsAt: _, ...open } = alert;
  for (const given of [{ ...open }, { ...open, endsAt: '0001-01-01T00:00:00Z' }]) {
    const answer = read({ alerts: [{ ...given, status: 'resolved' }] });
    expect(answer).toMatchObject({ alerts: [{ endsAt: receivedAt }] });
  }
});

test('an alert without a name does not take the others of its group along', () => {
  const nameless = { ...alert, labels: { job: 'postgres' } };
  expect(read({ alerts: [nameless, alert] })).toMatchObject({
    alerts: [{ name: '' }, { name: 'DatabaseConnectionPoolExhausted' }],
  });
});

test.each([
  ['another version', { version: '3' }],
  ['no version', { version: undefined }],
  ['no alerts', { alerts: undefined }],
  ['no fingerprint', { alerts: [{ ...alert, fingerprint: undefined }] }],
  ['an endless fingerprint', { alerts: [{ ...alert, fingerprint: 'f'.repeat(10_000) }] }],
  ['an unknown status', { alerts: [{ ...alert, status: 'SECRET' }] }],
  ['labels that are no text', { alerts: [{ ...alert, labels: { SECRET: { deep: 1 } } }] }],
  ['a start in the year 0', { alerts: [{ ...alert, startsAt: '0000-01-01T00:00:00Z' }] }],
  ['a start in the year 1', { alerts: [{ ...alert, startsAt: '0001-01-01T00:00:00Z' }] }],
  ['a start in the year 9999', { alerts: [{ ...alert, startsAt: '9999-12-31T23:59:59-23:59' }] }],
  ['an end in the year 9999', { alerts: [{ ...alert, endsAt: '9999-12-31T23:59:59Z' }] }],
  ['a start that is no moment', { alerts: [{ ...alert, startsAt: 'SECRET' }] }],
  ['a day that does not exist', { alerts: [{ ...alert, startsAt: '2026-02-31T00:00:00Z' }] }],
])('%s is malformed, and the sentence repeats nothing of it', (_, change) => {
  const answer = read(change);
  if (answer.kind !== 'malformed') throw new Error(`It was ${answer.kind}.`);
  expect(answer.sentence).toMatch(/\.$/);
  expect(answer.sentence).not.toContain('SECRET');
});

test('more than a thousand alerts are too many for one group', () => {
  expect(read({ alerts: Array.from({ length: mostAlerts }, () => alert) }).kind).toBe('read');
  expect(read({ alerts: Array.from({ length: mostAlerts + 1 }, () => ({})) }).kind).toBe(
    'too-many',
  );
});

test('no text whatever makes reading throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(['malformed', 'read', 'too-many']).toContain(readPayload(text, receivedAt).kind);
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (value, other) => {
      const alerts = [{ ...alert, labels: value }, other];
      expect(read({ alerts, truncatedAlerts: value }).kind).toMatch(/malformed|read/);
    }),
  );
});
