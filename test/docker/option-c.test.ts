import { allMembers } from '../support/people.ts';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/timing.ts';
import { restartReplica } from '../../src/docker/restart.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import { createApprovals } from '../../src/runbook/approvals/approvals.ts';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';
import { defaultPolicy } from '../../src/runbook/approvals/policy.ts';
import type { Actor, ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { createOptionC } from '../../src/runbook/remedies/c-restart-service/restart-service.ts';
import { makeJournalFolder } from '../journal/temporary-journal.ts';
import type { JournalFolder } from '../journal/temporary-journal.ts';
import { createStackMonitor, findCanary } from './stack-monitor.ts';
import type { StackMonitor } from './stack-monitor.ts';
import { containing } from '../runbook/diagnose/matchers.ts';
import { optionPolicy } from '../support/option-policy.ts';
import { whyNoEngine } from './engine.ts';
import { eventually } from './eventually.ts';
import { startStack } from './stack.ts';
import type { Stack } from './stack.ts';

const proposer: Actor = { id: 'UANN', via: 'slack' };
const approver: Actor = { id: 'UBOB', via: 'slack' };
describe.skipIf(await whyNoEngine())('option C through the approvals', () => {
  let stack: Stack;
  let monitor: StackMonitor;
  let folder: JournalFolder;
  let journal: StoredJournal;
  let approvals: Approvals;
  const faults: unknown[] = [];
  const steps: string[] = [];
  beforeEach(async () => {
    folder = makeJournalFolder();
    journal = await folder.open();
    faults.length = 0;
    steps.length = 0;
  });
  afterEach(async () => {
    await approvals.drain();
    try {
      await monitor.close();
    } finally {
      await stack.close();
      folder.close();
    }
    if (faults.length > 0) throw new AggregateError(faults, 'An execution broke.');
  });

  async function begin(
    backendEnv: Readonly<Record<string, string>>,
    stopTimeoutSeconds = 10,
  ): Promise<void> {
    stack = await startStack({ replicas: 2, maxConnections: 30, backendEnv });
    monitor = createStackMonitor(stack);
    const { docker } = stack;
    const remedies = [
      createOptionC({
        restarts: { restartReplica: (id, options) => restartReplica(docker, id, options) },
        takeSnapshot: () => monitor.takeSnapshot(),
        clock: systemClock,
        target: monitor.target,
        refusedServices: [],
        refusedContainers: [],
        stopTimeoutSeconds,
        healthyWithinMs: 60_000,
        calmWithinMs: 30_000,
      }),
    ];
    approvals = createApprovals({
      people: allMembers,
      journal,
      approvalTargets: [
        {
          name: 'shop',
          remedies,
          takeSnapshot: () => monitor.takeSnapshot(),
          warningUtilisation: 0.8,
        },
      ],
      policy: {
        ...defaultPolicy,
        options: { C: { ...optionPolicy, approvers: [approver.id] } },
      },
      clock: systemClock,
      verifyAfterMs: 1_000,
      onChange: (_request, step) => void (step !== undefined && steps.push(step.sentence)),
      onFault: (_id, error) => void faults.push(error),
    });
  }

  /** Leaks so many connections in each replica, and waits until the server shows them. */
  async function leak(count: number): Promise<void> {
    for (const url of await stack.backendUrls()) {
      await fetch(`${url}/leak?n=${count}`, { method: 'POST' });
    }
    await eventually(
      () => monitor.diagnose(),
      ({ capacity }) => capacity?.byState.idleInTransaction === 2 * count,
    );
  }

  /** The journal as text: whole, and without a secret. */
  async function readJournal(): Promise<string> {
    expect(await journal.verify()).toMatchObject({ ok: true });
    const text = JSON.stringify(await journal.entries());
    expect(findCanary(text)).toBeUndefined();
    return text;
  }

  /** Proposes, lets the second person vote, and returns the end of it. */
  async function runRestart(): Promise<ApprovalRequest> {
    const ask = { kind: 'restart', service: 'backend' } as const;
    const proposed = await approvals.propose({ target: 'shop', ask, actor: proposer });
    if (!proposed.ok) throw new Error(proposed.refusal.why);
    expect(await approvals.approve(proposed.value.id, approver)).toMatchObject({ ok: true });
    const settled = await approvals.settled(proposed.value.id);
    if (!settled.ok) throw new Error(settled.refusal.why);
    return settled.value;
  }

  /** From the proposal to its end, with the second person's vote in between. */
  async function restartBackend(): Promise<ApprovalRequest> {
    const ask = { kind: 'restart', service: 'backend' } as const;
    const proposed = await approvals.propose({ target: 'shop', ask, actor: proposer });
    if (!proposed.ok) throw new Error(proposed.refusal.why);
    const { id, plan } = proposed.value;
    expect(plan.targets).toMatchObject([
      { name: `${stack.project}-backend-1`, connections: 12 },
      { name: `${stack.project}-backend-2`, connections: 12 },
    ]);
    expect(await approvals.approve(id, proposer)).toMatchObject({
      refusal: { kind: 'not-an-approver' },
    });
    expect(await approvals.approve(id, approver)).toMatchObject({ ok: true });
    const settled = await approvals.settled(id);
    if (!settled.ok) throw new Error(settled.refusal.why);
    return settled.value;
  }

  function startTimes(): Promise<string[]> {
    const { docker, ids } = stack;
    return Promise.all(
      ids.backend.map(async (id) => (await docker.getContainer(id).inspect()).State.StartedAt),
    );
  }

  test('restarts a leaking backend replica after replica, and sees that it helped; PostgreSQL it refuses', async () => {
    await begin({});
    await leak(12);
    const before = await startTimes();
    const ended = await restartBackend();
    const after = await startTimes();
    expect(after.filter((time, index) => time !== before[index])).toHaveLength(2);
    expect(Date.parse(after[1] ?? '')).toBeGreaterThan(Date.parse(after[0] ?? ''));
    const [first, second] = [1, 2].map((number) => `${stack.project}-backend-${number}`);
    expect(steps).toEqual([
      `restart ${first}`,
      `${first}: restarted`,
      `restart ${second}`,
      `${second}: restarted`,
    ]);
    expect(ended).toMatchObject({
      state: 'done',
      result: {
        report: {
          finished: true,
          summary: 'Of 2 replicas: 2 restarted. Its connections: 24 before, 0 after.',
        },
        outcome: { word: 'fixed', before: { usable: 27 }, later: { usable: 27 } },
      },
    });
    expect(await readJournal()).toContain('24 before, 0 after');
    const ask = { kind: 'restart', service: 'postgres' } as const;
    expect(await approvals.propose({ target: 'shop', ask, actor: proposer })).toMatchObject({
      refusal: { kind: 'postgres' },
    });
  });

  test('stops at the first replica that cannot come up, shows its last words without the password, and leaves the other alone', async () => {
    await begin({ CHECK_DATABASE_AT_START: '1' });
    await leak(12);
    const admin = new Client(stack.adminUrl);
    await admin.connect();
    // The password in the environment is now an old one: nobody notices before the next start.
    await admin.query("ALTER ROLE app PASSWORD 'rotated'");
    await admin.end();
    const before = await startTimes();
    const { result } = await restartBackend();
    const after = await startTimes();
    expect(after[0]).not.toBe(before[0]);
    expect(after[1]).toBe(before[1]);
    const [broken, untouched] = result?.report.items ?? [];
    expect(broken).toMatchObject({
      what: `${stack.project}-backend-1`,
      outcome: 'crash loop',
    });
    expect(broken?.detail).toContain('ends again and again');
    const words = broken?.lines.join('\n') ?? '';
    expect(words).toContain('cannot start: no connection with postgresql+psycopg2://…');
    expect(words).toContain('password authentication failed');
    expect(untouched).toMatchObject({
      what: `${stack.project}-backend-2`,
      outcome: 'not reached',
      detail: `${stack.project}-backend-1 did not come up.`,
    });
    expect(result?.report.finished).toBe(false);
    expect(await readJournal()).toContain('not reached');
    await eventually(
      () => monitor.diagnose(),
      ({ findings }) => findings.some(({ id }) => id === 'replica-crash-looping'),
    );
  });

  test('a replica that hangs is killed when its time is up, and the report says so of that one alone', async () => {
    await begin({}, 2);
    const [hung = ''] = stack.ids.backend;
    await stack.docker.getContainer(hung).kill({ signal: 'SIGSTOP' });
    const { result } = await runRestart();
    const killed = 'The old process had not ended after 2 s, and was killed.';
    expect(result?.report.items).toMatchObject([
      { outcome: 'restarted' },
      { outcome: 'restarted' },
    ]);
    const details = result?.report.items.map(({ detail }) => detail.includes(killed));
    expect(details).toEqual([true, false]);
  });

  test('a query that outlives its process is found in the report, and ending it is offered', async () => {
    await begin({});
    const url = await stack.backendUrl(1);
    // Its answer is lost with the process that asked.
    void fetch(`${url}/query?ms=120000`).catch(() => undefined);
    await eventually(
      () => monitor.takeSnapshot(),
      ({ database: { reading } }) =>
        reading?.sessions.some(({ own, state }) => !own && state === 'active') ?? false,
    );
    const { result } = await runRestart();
    const [, , orphan, ...others] = result?.report.items ?? [];
    expect(others).toEqual([]);
    expect(orphan).toMatchObject({ outcome: 'still there' });
    expect(orphan?.detail).toMatch(/^Its query runs for \d+ s, for a process that is gone\.$/);
    const pid = Number(orphan?.what.replace('pid ', ''));
    expect(result?.report.followUps).toEqual([{ kind: 'stop-session', pid, how: 'terminate' }]);
    const { database } = await monitor.takeSnapshot();
    expect(database.reading?.sessions.find((session) => session.pid === pid)).toMatchObject({
      state: 'active',
      query: containing('pg_sleep'),
    });
  });
});
