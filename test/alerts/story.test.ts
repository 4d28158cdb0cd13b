import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toText } from '../../sandbox/message-text.ts';
import type { SlackMessage } from '../../sandbox/slack/workspace.ts';
import type { Incident } from '../../src/runbook/incidents/incident.ts';
import {
  actionIds,
  checklistAction,
  incidentActions,
} from '../../src/slack/messages/kit/action-ids.ts';
import { dana, jonas, maya, messagesOf, press } from '../drills/support/conversation.ts';
import { keptSentences, keyOf, toldSentences } from '../drills/support/told.ts';
import { routingKey, webhookToken } from '../support/harness.ts';
import { appToken, botToken, signingSecret } from '../slack/support/workspace.ts';
import { dashboardQueries } from './support/dashboard.ts';
import { eventually } from './support/eventually.ts';
import { openNight, password } from './support/night.ts';
import type { Night } from './support/night.ts';
import { findMissingTools, whatIsMissing } from './support/tools.ts';
import { named } from '../support/people.ts';

const exhausted = 'DatabaseConnectionPoolExhausted';
/** From a full server to a message, and from a press to an outcome, five times over. */
const patienceMs = 90_000;

async function incidentsOf({ harness }: Night): Promise<readonly Incident[]> {
  const states = ['open', 'merged', 'resolved'] as const;
  return harness.inJournal((journal) => journal.listIncidents({ states, limit: 10 }));
}

async function theIncident(night: Night): Promise<Incident> {
  const [incident, ...others] = await incidentsOf(night);
  if (incident === undefined || others.length > 0) {
    throw new Error(`There are ${incident === undefined ? 0 : others.length + 1} incidents.`);
  }
  return incident;
}

describe.skipIf(findMissingTools().length > 0)(`one night${whatIsMissing()}`, () => {
  let night: Night;
  let service: string;
  let parent: SlackMessage;
  let id: string;

  beforeAll(async () => {
    night = await openNight({ watch: false });
  });
  afterAll(() => night?.close());

  /** The message of that time stamp, once it says so. */
  function says(ts: string, ...words: readonly string[]): Promise<string> {
    return night.harness.slack.waitFor(() => {
      const found = messagesOf(night.harness).find((one) => one.ts === ts);
      const text = found === undefined ? '' : toText(found);
      return words.every((word) => text.includes(word)) ? text : undefined;
    }, patienceMs);
  }

  /** The first message that begins so, in a thread or not. */
  function begins(words: string): Promise<SlackMessage> {
    return night.harness.slack.waitFor(
      () => messagesOf(night.harness).find(({ text }) => text.startsWith(words)),
      patienceMs,
    );
  }

  test('the alert of a leaking backend is an incident with the right cause', async () => {
    const [story = ''] = await night.patient.trouble('connection-leak');
    [service = ''] = story.split(' ');
    parent = await night.harness.slack.waitFor(
      () => messagesOf(night.harness).find((one) => keyOf(one)?.startsWith('inc-')),
      patienceMs,
    );
    id = keyOf(parent) ?? '';
    await says(parent.ts, `leak`, service, `by the alert ${exhausted}`);
    expect(await theIncident(night)).toMatchObject({
      id,
      state: 'open',
      severity: 'critical',
      target: 'shop',
      last: { cause: 'connection-leak' },
    });
    // The alert opened it; the looks that follow say so too.
    expect((await theIncident(night)).triggers[0]).toMatchObject({
      kind: 'alert',
      name: exhausted,
      endedAt: null,
    });
  });

  test('it has no owner, so the policy notifies the database admins and pages', async () => {
    const { pagerDuty } = night.harness;
    await eventually('it pages', async () => pagerDuty.pages.length > 0);
    expect(pagerDuty.pages).toMatchObject([{ state: 'triggered', severity: 'critical' }]);
    await eventually('both are told', async () => {
      const { escalations } = await theIncident(night);
      return escalations.filter(({ state }) => state === 'sent').length === 2;
    });
    expect((await theIncident(night)).escalations).toMatchObject([
      { who: 'database-admins', via: 'channel' },
      { who: 'on-call', via: 'pager' },
    ]);
  });

  test('Acknowledge names the owner, and the page is acknowledged', async () => {
    await press(night.harness, { user: maya, ts: parent.ts, actionId: incidentActions.have });
    expect(await says(parent.ts, `Owner: ${named(maya)}`)).not.toContain('No owner yet');
    await eventually('it is acknowledged', async () => {
      return night.harness.pagerDuty.pages[0]?.state === 'acknowledged';
    });
  });

  test('the remedy is proposed by its button, approved by somebody else, run and verified', async () => {
    const proposing = { ts: parent.ts, actionId: incidentActions.remedy };
    await press(night.harness, { user: maya, ...proposing });
    const card = await begins('Proposed, ');
    expect(toText(card)).toContain(service);
    const approving = { ts: card.ts, actionId: actionIds.approve };
    expect(await press(night.harness, { user: maya, ...approving })).toContain('You proposed this');
    expect(await press(night.harness, { user: jonas, ...approving })).toContain('it starts now');
    await says(card.ts, 'Fixed');
  });

  test('the alert ends, the looks agree, and it is over with its page', async () => {
    const over = await says(parent.ts, 'Resolved');
    expect(over).toContain(`Owner: ${named(maya)}`);
    expect(await theIncident(night)).toMatchObject({
      state: 'resolved',
      closing: { by: null },
    });
    const { triggers } = await theIncident(night);
    expect(triggers.map(({ endedAt }) => endedAt)).not.toContain(null);
    const { pagerDuty } = night.harness;
    await eventually('the page is resolved', async () => pagerDuty.pages[0]?.state === 'resolved');
    expect(pagerDuty.pages).toMatchObject([{ heard: ['trigger', 'acknowledge', 'resolve'] }]);
    expect(pagerDuty.changes).toMatchObject([expect.stringContaining(service)]);
  });

  test('the report is in the thread and is a file', async () => {
    const checklist = await begins('Post-incident checklist');
    expect(checklist.thread_ts).toBe(parent.ts);
    const report = messagesOf(night.harness).find((one) => keyOf(one) === `report:${id}:0`);
    expect(report?.thread_ts).toBe(parent.ts);
    expect(report === undefined ? '' : toText(report)).toContain(service);
    const [file, ...others] = night.harness.slack.state.files;
    expect(others).toEqual([]);
    const markdown = Buffer.from(night.harness.slack.readFile(file?.id ?? '')).toString('utf8');
    for (const word of [id, service, exhausted, 'maya', 'jonas']) expect(markdown).toContain(word);
  });

  test('a tick of the checklist is kept with name and time', async () => {
    const { ts } = await begins('Post-incident checklist');
    const value = [`${id}:code-leaks`];
    await press(night.harness, { user: dana, ts, actionId: checklistAction, value });
    expect(await says(ts, '1 of 5 done')).toContain(
      `✓ Check for connection leaks in code, ${named(dana)}`,
    );
    const { checklist } = await theIncident(night);
    expect(checklist).toMatchObject([{ item: 'code-leaks', by: { id: dana } }]);
    expect(Date.now() - Date.parse(checklist[0]?.at ?? '')).toBeLessThan(patienceMs);
  });

  test('the thread tells every note once, in the order it happened', async () => {
    await eventually('the thread has heard everything', async () => {
      const kept = await keptSentences(night.harness, id);
      return kept.length === toldSentences(night.harness, id).length;
    });
    const told = toldSentences(night.harness, id);
    expect(told).toEqual(await keptSentences(night.harness, id));
    const inOrder = (...milestones: readonly string[]): void => {
      const passed = told.flatMap((line) => milestones.find((words) => line.includes(words)) ?? []);
      expect(passed).toEqual(milestones);
    };
    const fires = `${exhausted} fires for shop.`;
    const paged = 'Notified the on-call engineer by PagerDuty.';
    inOrder(fires, paged, `${named(maya)} acknowledged it.`);
    // Its proposal and its votes stand on the card of the request.
    inOrder(`${named(maya)} acknowledged it.`, 'Option C ran', 'Option C: fixed.', 'was fine. ');
    // The verification takes longer than Prometheus, or not.
    inOrder(fires, `${exhausted} is resolved`, 'was fine. ');
  });

  test('nothing was said twice, neither in Slack nor to the pager', () => {
    const all = night.harness.slack.state.channels.flatMap(({ messages }) => messages);
    const keys = all.flatMap((one) => keyOf(one) ?? []);
    expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
    const own = all.filter((one) => one.bot_id !== undefined).map((one) => toText(one));
    expect(own.toSorted()).toEqual([...new Set(own)].toSorted());
    expect(night.harness.pagerDuty.pages).toHaveLength(1);
    expect(night.harness.pagerDuty.calls.filter((path) => path === '/v2/enqueue')).toHaveLength(3);
  });

  test('every query of the dashboard finds a series in Prometheus', async () => {
    const queries = dashboardQueries();
    expect(queries.length).toBeGreaterThan(15);
    for (const query of queries) {
      expect(query).not.toContain('$');
      await eventually(`a series for ${query}`, async () => {
        return (await night.chain.query(query)) !== undefined;
      });
    }
  });

  test('no secret is in Slack, the log, the journal, the metrics or at the pager', async () => {
    const { harness, bot } = night;
    const metrics = await (await fetch(`http://127.0.0.1:${bot.httpPort}/metrics`)).text();
    expect(metrics).toContain('dbconn_incidents_open 0');
    const files = harness.slack.state.files.map((file) => {
      return Buffer.from(harness.slack.readFile(file.id)).toString('utf8');
    });
    const places = {
      // What went over the wire is more than what still stands there; the token travels in a header.
      slack: harness.wire.calls.map(({ body }) => body).join('\n') + files.join('\n'),
      log: harness.lines.join(''),
      journal: JSON.stringify(await harness.inJournal((journal) => journal.entries())),
      metrics,
      pager: JSON.stringify([harness.pagerDuty.pages, harness.pagerDuty.changes]),
    };
    const secrets = [appToken, botToken, password, routingKey, signingSecret, webhookToken];
    expect(Object.values(places).every((text) => text.length > 100)).toBe(true);
    const leaks = Object.entries(places).flatMap(([place, text]) =>
      secrets.filter((secret) => text.includes(secret)).map((secret) => `${secret} in ${place}`),
    );
    expect(leaks).toEqual([]);
    expect(await harness.inJournal((journal) => journal.verify())).toMatchObject({ ok: true });
  });
});

describe.skipIf(findMissingTools().length > 0)(`a night with the watch${whatIsMissing()}`, () => {
  test('the watch opens the incident and the alert joins it; when both say so it is over', async () => {
    const night = await openNight({ watch: true, openAfter: '0s' });
    try {
      await night.patient.trouble('connection-leak');
      await eventually('the alert joins', async () => {
        const [incident] = await incidentsOf(night);
        return incident?.triggers.some(({ kind }) => kind === 'alert') ?? false;
      });
      const { id, triggers } = await theIncident(night);
      expect(triggers.map(({ kind }) => kind).toSorted()).toEqual(['alert', 'watch']);
      await night.patient.heal();
      await eventually('it is over', async () => (await theIncident(night)).state === 'resolved');
      await eventually('the thread has heard everything', async () => {
        const kept = await keptSentences(night.harness, id);
        return kept.length === toldSentences(night.harness, id).length;
      });
      const told = toldSentences(night.harness, id);
      expect(told).toEqual(await keptSentences(night.harness, id));
      expect(told[0]).toContain("dbconn's own checks have been critical for");
      expect(told.filter((line) => line === `${exhausted} fires for shop.`)).toHaveLength(1);
      const { pages } = night.harness.pagerDuty;
      expect(pages.map(({ state }) => state)).toEqual(['resolved']);
    } finally {
      await night.close();
    }
  });
});
