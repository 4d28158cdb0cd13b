import { afterEach, beforeEach, expect, test } from 'vitest';
import { startCluster } from '../../support/clusters.ts';
import type { Cluster } from '../../../sandbox/patient/cluster.ts';
import type { App } from '../../../src/app/deps.ts';
import type { Approvals } from '../../../src/runbook/approvals/approvals.ts';
import type { Actor, ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import type { Answer } from '../../../src/runbook/remedies/remedy.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import type { JournalFolder } from '../../journal/temporary-journal.ts';
import { configOf } from '../../support/config-of.ts';
import { openApprovals } from '../../support/open-approvals.ts';
import { Sessions } from '../../support/sessions.ts';
import { aTarget } from '../diagnose/builders.ts';
import { patienceMs } from '../../support/until.ts';

const ann: Actor = { id: 'UANN', via: 'slack' };
const bob: Actor = { id: 'UBOB', via: 'slack' };
const setting = 'idle_in_transaction_session_timeout';

let cluster: Cluster;
let sessions: Sessions;
let folder: JournalFolder;
let app: App;
let approvals: Approvals;
let faults: readonly unknown[];
beforeEach(async () => {
  cluster = await startCluster();
  sessions = new Sessions(cluster);
  await sessions.ask('CREATE ROLE app LOGIN; CREATE ROLE acting LOGIN IN ROLE pg_monitor');
  await sessions.ask(`GRANT ALTER SYSTEM ON PARAMETER ${setting} TO acting`);
  await sessions.ask(
    'GRANT EXECUTE ON FUNCTION pg_reload_conf(), pg_show_all_file_settings() TO acting',
  );
  folder = makeJournalFolder();
  const url = cluster.url('acting');
  ({ app, approvals, faults } = await openApprovals(
    configOf({
      journal: folder.file,
      targets: [aTarget({ canAct: true })],
      database: { url, actingUrl: url },
      rule: { approve: [ann.id, bob.id] },
      verifyAfterMs: 20,
    }),
  ));
});
afterEach(async () => {
  await approvals.drain();
  await app.close();
  folder.close();
  await sessions.close();
  await cluster.close();
});

function valueOf<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.refusal.why);
  return answer.value;
}

async function approve({ id }: ApprovalRequest): Promise<ApprovalRequest> {
  expect(await approvals.approve(id, ann)).toMatchObject({ refusal: { kind: 'own-proposal' } });
  valueOf(await approvals.approve(id, bob));
  return valueOf(await approvals.settled(id));
}

/** Whether a transaction that a new session leaves open is ended. */
async function isEnded(): Promise<boolean> {
  const { client, pid } = await sessions.open({ user: 'app' });
  await client.query('BEGIN');
  const held = await client.query<{ value: string }>(`SELECT current_setting('${setting}') value`);
  if (held.rows[0]?.value === '0') return false;
  const gone = async (): Promise<boolean> => {
    const left = await sessions.ask('SELECT FROM pg_stat_activity WHERE pid = $1', [pid]);
    return left.length === 0;
  };
  await expect.poll(gone, { timeout: patienceMs }).toBe(true);
  return true;
}

test('a second person’s vote sets a time-out that ends forgotten transactions, and another one takes it back', async () => {
  expect(await isEnded()).toBe(false);
  const ask = { kind: 'set-timeout', setting, role: null, ms: 300 } as const;
  const set = await approve(valueOf(await approvals.propose({ target: 'shop', ask, actor: ann })));
  expect(set).toMatchObject({
    state: 'done',
    result: { report: { items: [{ outcome: 'set' }], finished: true } },
  });
  expect(await isEnded()).toBe(true);
  const undoing = valueOf(await approvals.undo(set.id, ann));
  expect(undoing.plan.title).toBe(`Remove ${setting} for the whole cluster`);
  const undone = await approve(undoing);
  expect(undone.result?.report.items).toMatchObject([{ outcome: 'set' }]);
  expect(await isEnded()).toBe(false);
  expect(faults).toEqual([]);
});
