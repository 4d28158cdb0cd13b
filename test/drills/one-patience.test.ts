import { WebClient } from '@slack/web-api';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { createRecords } from '../../src/runbook/reports/reporter.ts';
import { incidentActions } from '../../src/slack/messages/kit/action-ids.ts';
import { createInFlight, defaultReplyTimeouts } from '../../src/slack/handlers/in-flight.ts';
import { incidentButton, incidentButtons } from '../../src/slack/handlers/incident-buttons.ts';
import { aDiagnosis, aTarget } from '../slack/support/diagnoses.ts';
import { aLog, aMonitor } from '../slack/support/workspace.ts';
import { openIncident, playScripted } from './support/scripted.ts';
import { database, maya } from './support/conversation.ts';

test('a slow look that an incident’s menu asks for is excused once, and then answered', async () => {
  const scripted = await playScripted({ sendIntervalMs: 0 });
  const { bot } = scripted;
  const { incident, ts } = await openIncident(scripted);
  const heard: string[] = [];
  const nobody = { announce: () => Promise.reject(new Error('Nobody is to be told.')) };
  const look = async (): Promise<ReturnType<typeof aDiagnosis>> => {
    await sleep(200);
    return aDiagnosis({ target: 'shop' });
  };
  const press = incidentButton(incidentButtons[incidentActions.menu]);
  await press({
    ...bot,
    records: createRecords({ log: bot.journal, targets: [] }),
    client: new WebClient(),
    announcements: nobody,
    readNames: () => Promise.resolve(new Map()),
    pagingOf: () => undefined,
    checkAround: () => Promise.resolve([]),
    monitor: aMonitor({ targets: [aTarget({ name: 'shop' })], diagnose: look }),
    answer: (_, audience, { text }) => Promise.resolve(void heard.push(`${audience}: ${text}`)),
    doctorSlack: () => Promise.resolve([]),
    modals: { open: () => Promise.resolve('no'), update: () => Promise.resolve(false) },
    inFlight: createInFlight(),
    replyTimeouts: { ...defaultReplyTimeouts, slowAfterMs: 20 },
    channel: database,
    log: aLog().log,
    asker: { channel: database, user: maya, respond: () => Promise.reject(new Error('unused')) },
    actor: { id: maya, via: 'slack' },
    actionId: incidentActions.menu,
    value: `status ${incident.id}`,
    values: [],
    ts,
    triggerId: 'unused',
    signal: new AbortController().signal,
  });
  expect(heard.filter((line) => line.includes('Still'))).toHaveLength(1);
  expect(heard).toHaveLength(2);
  expect(heard.at(-1)).toMatch(/^caller: .*shop/);
});
