import { assert, asyncProperty, constantFrom } from 'fast-check';
import { expect } from 'vitest';
import { readPayload } from '../../src/http/alert-payload.ts';
import { readFixture, readGrafanaFixture } from '../http/read-fixture.ts';
import { openIncidentSetup } from '../runbook/incidents/incident-setup.ts';
import { mangledJson } from './mangle.ts';

const bodies = [
  readFixture('01-firing-DatabaseConnectionPoolExhausted'),
  readFixture('05-resolved-DatabaseConnectionPoolExhausted'),
  readFixture('21-mixed-firing-and-resolved-v0.28'),
  readGrafanaFixture(),
].map((text): unknown => JSON.parse(text));

const at = '2026-11-23T03:00:00.000Z';

/** What Alertmanager and Grafana send, with some of it dropped, doubled or replaced: read and taken, or refused. */
export async function holdAlerts(numRuns: number): Promise<void> {
  const setup = await openIncidentSetup();
  try {
    const body = constantFrom(...bodies).chain(mangledJson);
    await assert(
      asyncProperty(body, async (value) => {
        const read = readPayload(JSON.stringify(value), at);
        if (read.kind !== 'read') return;
        for (const alert of read.alerts) {
          expect(await setup.incidents.alert(alert)).toMatchObject({ ok: true });
        }
      }),
      { numRuns },
    );
    expect(setup.faults).toEqual([]);
    expect(await setup.journal.verify()).toMatchObject({ ok: true });
  } finally {
    setup.close();
  }
}
