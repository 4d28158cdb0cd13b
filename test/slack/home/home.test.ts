import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { identity } from '../../../sandbox/slack/identity.ts';
import { Manifest } from '../../../sandbox/slack/options.ts';
import type { LocalSlack } from '../../../sandbox/slack/server.ts';
import type { SlackView } from '../../../sandbox/slack/workspace.ts';
import { createPlaces } from '../../../src/journal/message-places.ts';
import { createIncidents } from '../../../src/runbook/incidents/incidents.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import { createClient } from '../../../src/slack/connection/client.ts';
import type { HomeSources } from '../../../src/slack/home/home-facts.ts';
import { createHome } from '../../../src/slack/home/home.ts';
import type { TargetSummary } from '../../../src/slack/home/target-summaries.ts';
import type { Clock } from '../../../src/timing.ts';
import { ann, bob } from '../../runbook/approvals/builders.ts';
import { createWorld, startedAtMs } from '../../runbook/approvals/world.ts';
import type { World } from '../../runbook/approvals/world.ts';
import { allMembers } from '../../support/people.ts';
import { patienceMs } from '../../support/until.ts';
import { aTarget } from '../support/diagnoses.ts';
import { blockText } from '../support/to-text.ts';
import {
  aLog,
  botToken,
  database,
  openSlack,
  readManifest,
  startApp,
} from '../support/workspace.ts';
import type { Mode } from '../support/workspace.ts';

/** A clock that moves only when told to, and then wakes those whose time has come. */
class StandingClock implements Clock {
  #nowMs = startedAtMs;
  readonly #sleepers = new Map<() => void, number>();

  now(): number {
    return this.#nowMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    const wake = (): void => resolve(undefined);
    this.#sleepers.set(wake, this.#nowMs + ms);
    signal?.addEventListener('abort', () => {
      this.#sleepers.delete(wake);
      reject(new Error('aborted'));
    });
    return promise;
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    for (const [wake, atMs] of this.#sleepers) {
      if (atMs > this.#nowMs) continue;
      this.#sleepers.delete(wake);
      wake();
    }
  }
}

let world: World;
let clock: StandingClock;
let summaries: readonly TargetSummary[];

beforeEach(() => {
  world = createWorld();
  clock = new StandingClock();
  summaries = [aSummary(94)];
});

afterEach(() => world.close());

function aSummary(used: number): TargetSummary {
  return {
    target: 'shop',
    state: 'critical',
    headline: `${used} of 97 usable connections.`,
    capacity: { used, usable: 97 },
    takenAt: new Date(startedAtMs).toISOString(),
    sparkline: '',
  };
}

const people = [
  { id: ann.id, name: 'ann', realName: 'Ann' },
  { id: bob.id, name: 'bob', realName: 'Bob' },
];

async function openWorkspace(mode: Mode, manifest = readManifest()): Promise<LocalSlack> {
  const slack = await openSlack(mode, {
    manifest,
    people,
    channels: [{ id: database, name: 'database', members: [ann.id, bob.id, identity.botUserId] }],
  });
  onTestFinished(() => slack.close());
  return slack;
}

/** The bot with its Home tab, over a real door and journal; what it logged. */
async function startHome(
  slack: LocalSlack,
  mode: Mode,
  more: Partial<HomeSources> = {},
): Promise<readonly string[]> {
  const { log, lines } = aLog();
  const { apiUrl } = slack;
  const home = createHome({
    sources: { readSummaries: () => summaries, ...more },
    client: createClient(botToken, { apiUrl, log }),
    clock,
    log,
  });
  const app = await startApp(slack, mode, { home, log });
  onTestFinished(() => app.stop());
  return lines;
}

/** What a person's Home tab shows as soon as it says that. */
function shown(slack: LocalSlack, user: string, words: string): Promise<SlackView> {
  return slack.waitFor(({ homes }) => {
    const home = homes.get(user);
    return home !== undefined && textOf(home).includes(words) ? home : undefined;
  }, patienceMs);
}

function textOf({ blocks }: SlackView): string {
  return blocks.map(blockText).join('\n').replaceAll(/ {2,}/g, ' ');
}

/** A proposal of Ann's that waits for Bob, with its card in the channel. */
async function propose(slack: LocalSlack): Promise<HomeSources['changes']> {
  const approvals = await world.approvals();
  const places = createPlaces(await world.journal());
  const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
  const proposed = await approvals.propose({ target: 'shop', ask, actor: ann });
  if (!proposed.ok) throw new Error(proposed.refusal.why);
  const posted = await fetch(`${slack.apiUrl}chat.postMessage`, {
    method: 'POST',
    headers: { authorization: `Bearer ${botToken}` },
    body: new URLSearchParams({ channel: database, text: 'the card' }),
  });
  expect(await posted.json()).toMatchObject({ ok: true });
  const ts = slack.state.channels[0]?.messages[0]?.ts ?? '';
  await places.writePlace(proposed.value.id, { channel: database, ts }, undefined);
  return { approvals, places };
}

test.for(['socket', 'http'] as const)(
  'a person who opens it sees the targets and what waits for their vote, and a button leads to its card, in %s mode',
  async (mode) => {
    const slack = await openWorkspace(mode);
    const changes = await propose(slack);
    const lines = await startHome(slack, mode, { ...(changes !== undefined && { changes }) });
    expect(await slack.openHome({ user: bob.id })).toEqual({ acked: true });
    const bobs = await shown(slack, bob.id, 'Waiting for your approval');
    expect(textOf(bobs)).toContain('🔴 shop Critical: 94 of 97 usable connections.');
    const ts = slack.state.channels[0]?.messages[0]?.ts.replace('.', '') ?? 'none';
    expect(JSON.stringify(bobs)).toContain(`/archives/${database}/p${ts}`);
    await slack.openHome({ user: ann.id });
    // Nobody votes for their own proposal.
    const anns = await shown(slack, ann.id, '1 more request waits for somebody else.');
    expect(textOf(anns)).not.toContain('Waiting for your approval');
    const press = { user: bob.id, viewId: bobs.id, actionId: 'dbconn_home_open_0' };
    expect(await slack.pressButton(press)).toEqual({ acked: true });
    expect(lines.filter((line) => line.includes('"level":50'))).toEqual([]);
  },
);

test('an open incident says that it has no owner, and a resolved one is among the last outcomes', async () => {
  const slack = await openWorkspace('socket');
  const log = await world.journal();
  const incidents = createIncidents({
    log,
    clock,
    targets: [aTarget({ name: 'shop' })],
    rules: defaultIncidentRules,
    policyOf: () => [],
    people: allMembers,
  });
  const opened = await incidents.open('shop', ann, 'Checkout is slow');
  if (!opened.ok) throw new Error(opened.refusal.why);
  const board = { placeOf: () => Promise.resolve(undefined) };
  await startHome(slack, 'socket', { incidents: { incidents, board, log } });
  await slack.openHome({ user: bob.id });
  expect(textOf(await shown(slack, bob.id, '1 open incident'))).toContain('no owner');
  expect(await incidents.resolve(opened.value.id, ann, 'It was a load test')).toMatchObject({
    ok: true,
  });
  await slack.openHome({ user: bob.id });
  const after = await shown(slack, bob.id, 'Last outcomes');
  expect(textOf(after)).not.toContain('open incident');
});

test('it is drawn anew after half a minute when something changed, and left alone when nothing did', async () => {
  const slack = await openWorkspace('socket');
  await startHome(slack, 'socket');
  await slack.openHome({ user: ann.id });
  await slack.openHome({ user: bob.id });
  const before = await shown(slack, ann.id, '94 of 97');
  await shown(slack, bob.id, '94 of 97');
  await untilAsleep();
  clock.advance(30_000);
  await untilAsleep();
  expect(slack.state.homes.get(ann.id)?.hash).toBe(before.hash);
  summaries = [aSummary(97)];
  clock.advance(30_000);
  await shown(slack, ann.id, '97 of 97');
  await shown(slack, bob.id, '97 of 97');
});

test('going to and fro between the tabs sends it once, and coming back later sends it again', async () => {
  const slack = await openWorkspace('http');
  await startHome(slack, 'http');
  await slack.openHome({ user: ann.id });
  const { hash } = await shown(slack, ann.id, '94 of 97');
  await Promise.all(Array.from({ length: 30 }, () => slack.openHome({ user: ann.id })));
  // Sent by a turn after all of those: whatever they sent stands by then.
  summaries = [aSummary(97)];
  const before = slack.state.homes.get(ann.id)?.hash;
  await slack.openHome({ user: ann.id });
  const changed = await shown(slack, ann.id, '97 of 97');
  expect(before).toBe(hash);
  clock.advance(3000);
  await slack.openHome({ user: ann.id });
  await slack.waitFor(
    ({ homes }) => homes.get(ann.id)?.hash !== changed.hash || undefined,
    patienceMs,
  );
});

test('after ten minutes it is renewed no more, and nothing is left running', async () => {
  const slack = await openWorkspace('socket');
  await startHome(slack, 'socket');
  await slack.openHome({ user: ann.id });
  await shown(slack, ann.id, '94 of 97');
  await untilAsleep();
  clock.advance(11 * 60_000);
  summaries = [aSummary(97)];
  // Opened anew it is sent at once: that it is this one, and not a round before, shows in the clock's sleepers.
  await expect.poll(() => clock.sleeping, { timeout: patienceMs }).toBe(0);
  expect(textOf(await shown(slack, ann.id, 'usable'))).toContain('94 of 97');
  await slack.openHome({ user: ann.id });
  await shown(slack, ann.id, '97 of 97');
});

test('what Slack was too busy to take is sent in the next round', async () => {
  const slack = await openWorkspace('socket');
  await startHome(slack, 'socket');
  slack.interfere('views.publish', { kind: 'ratelimited', retryAfterSeconds: 5 });
  await slack.openHome({ user: ann.id });
  await untilAsleep();
  await expect
    .poll(
      () => {
        clock.advance(30_000);
        return slack.state.homes.has(ann.id);
      },
      { timeout: patienceMs },
    )
    .toBe(true);
});

test('where the app has no Home tab, the log says so once and commands are answered as ever', async () => {
  const slack = await openWorkspace('socket', withoutHome());
  const lines = await startHome(slack, 'socket');
  await slack.openHome({ user: ann.id });
  await expect.poll(() => lines.join(''), { timeout: patienceMs }).toContain('not_enabled');
  await expect
    .poll(
      () => {
        clock.advance(30_000);
        return clock.sleeping;
      },
      { timeout: patienceMs },
    )
    .toBe(0);
  expect(lines.filter((line) => line.includes('not_enabled'))).toHaveLength(1);
  const command = { user: ann.id, channel: database, text: '/dbconn help' };
  expect(await slack.typeCommand(command)).toEqual({ acked: true });
});

test('without its journal it still shows the targets, and says what is missing', async () => {
  const slack = await openWorkspace('socket');
  const changes = await propose(slack);
  await startHome(slack, 'socket', { ...(changes !== undefined && { changes }) });
  world.breakJournals();
  await slack.openHome({ user: bob.id });
  const home = await shown(slack, bob.id, 'Incidents and requests cannot be shown:');
  expect(textOf(home)).toContain('94 of 97 usable connections.');
});

function untilAsleep(): Promise<void> {
  return expect.poll(() => clock.sleeping, { timeout: patienceMs }).toBe(1);
}

function withoutHome(): object {
  const { features, ...manifest } = Manifest.parse(readManifest());
  const home_tab_enabled = false;
  return { ...manifest, features: { ...features, app_home: { home_tab_enabled } } };
}
