import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { nextEntry } from '../../src/journal/chain.ts';
import type { StoredJournal } from '../../src/journal/stored-journal.ts';
import type { Approvals } from '../../src/runbook/approvals/approvals.ts';
import { canonicalJson, hashPlan } from '../../src/runbook/remedies/plan.ts';
import type { ApprovalRequest } from '../../src/runbook/approvals/request.ts';
import { refusalOf, valueOf } from '../runbook/approvals/answers.ts';
import { ann, bob, buildPlan, buildSession } from '../runbook/approvals/builders.ts';
import { createWorld } from '../runbook/approvals/world.ts';
import type { World } from '../runbook/approvals/world.ts';
import { shelves, usePlace } from './shelves.ts';

/** A hand that writes into the journal past dbconn, while dbconn runs. */
const ask = { kind: 'idle-in-transaction', idleForMs: 600_000 } as const;
const refused = { kind: 'tampered', runs: 0, written: 0 };
const cemsVote = '"votes":[{"at":"","by":{"id":"UCEM","via":"slack"},"reason":null}]';

describe.each(shelves)('the gate on %s', (_name, openShelf) => {
  const place = usePlace(openShelf);
  let world: World;
  let approvals: Approvals;
  let journal: StoredJournal;
  beforeEach(async () => {
    world = createWorld({ open: () => place.open() });
    approvals = await world.approvals({ votes: 2 });
    journal = await place.open();
  });
  afterEach(() => world.close());

  async function propose(): Promise<ApprovalRequest> {
    return valueOf(await approvals.propose({ target: 'shop', ask, actor: ann }));
  }

  async function write(request: ApprovalRequest): Promise<void> {
    const { id, state, version } = request;
    // Its columns as well, where the table does not draw them from the text itself.
    const columns = place.address.startsWith('postgres')
      ? `, state = '${state}', version = ${version}`
      : '';
    await place.tamper(
      `UPDATE requests SET data = '${canonicalJson(request)}' ${columns} WHERE id = '${id}'`,
    );
  }

  /** Bob’s vote on it: why it was refused, and whether anything came of it. */
  async function vote(id: string): Promise<typeof refused> {
    const before = await journal.head();
    const { kind } = refusalOf(await approvals.approve(id, bob));
    const { seq } = await journal.head();
    return { kind, runs: world.remedy.runs, written: seq - before.seq };
  }

  test('a vote written straight into its table does not count, and no entry vouches for it', async () => {
    const { id } = await propose();
    await place.tamper(`UPDATE requests SET data = replace(data, '"votes":[]', '${cemsVote}')`);
    expect(await vote(id)).toEqual(refused);
    expect(await journal.verify()).toMatchObject({ ok: false });
    expect(await journal.findUntrue()).toMatchObject([{ target: 'shop' }, { target: 'shop' }]);
  });

  test('a lowered number of votes does not count', async () => {
    const { id } = await propose();
    await place.tamper(
      `UPDATE requests SET data = replace(data, '"votesNeeded":2', '"votesNeeded":1')`,
    );
    expect(await vote(id)).toEqual(refused);
  });

  test('a stretched expiry does not count', async () => {
    const { id, expiresAt } = await propose();
    await place.tamper(
      `UPDATE requests SET data = replace(data, '${expiresAt}', '2099-01-01T00:00:00.000Z')`,
    );
    expect(await vote(id)).toEqual(refused);
  });

  test('a plan that was edited together with its hash does not run', async () => {
    const request = await propose();
    const plan = buildPlan({ ...request.plan, targets: [buildSession(999)] });
    await write({ ...request, plan, hash: await hashPlan(plan) });
    expect(await vote(request.id)).toEqual(refused);
  });

  test('one changed request stops every other one on its target, and none on another', async () => {
    const [changed, other] = [await propose(), await propose()];
    await place.tamper(
      `UPDATE requests SET data = replace(data, '"votes":[]', '${cemsVote}') WHERE id = '${changed.id}'`,
    );
    expect(await vote(other.id)).toEqual(refused);
    const again = await approvals.propose({ target: 'shop', ask, actor: ann });
    expect(refusalOf(again).kind).toBe('tampered');
    expect((await journal.findUntrue()).every(({ target }) => target === 'shop')).toBe(true);
  });

  test('one changed request keeps no other from expiring', async () => {
    const [changed, other] = [await propose(), await propose()];
    await place.tamper(
      `UPDATE requests SET data = replace(data, '"votes":[]', '${cemsVote}') WHERE id = '${changed.id}'`,
    );
    world.clock.nowMs = Date.parse(other.expiresAt);
    expect(valueOf(await approvals.sweep())).toMatchObject([{ id: other.id, state: 'expired' }]);
  });

  test('a run that was hidden, and a request that was taken out, stop its target', async () => {
    const [hidden, other] = [await propose(), await propose()];
    await write({ ...hidden, state: 'done' });
    expect(await vote(other.id)).toEqual(refused);
    await place.tamper(`DELETE FROM requests WHERE id = '${hidden.id}'`);
    expect(await vote(other.id)).toEqual(refused);
  });

  test('a run that nobody began is not finished by a process that takes over', async () => {
    await write({ ...(await propose()), state: 'approved', version: 2 });
    expect(await journal.list(['approved'])).toHaveLength(1);
    expect(valueOf(await approvals.takeOver())).toEqual([]);
    expect(await journal.list(['approved'])).toHaveLength(1);
  });

  test('an emergency stop that was taken out still stops', async () => {
    const { id } = await propose();
    valueOf(await approvals.stop(ann, 'wrong sessions'));
    await place.tamper('DELETE FROM stop');
    expect(await vote(id)).toEqual(refused);
    expect(await journal.findUntrue()).toMatchObject([{ target: null }]);
  });

  test('entries that were cut off under a running dbconn stop everything', async () => {
    const { id } = await propose();
    valueOf(await approvals.stop(ann));
    await place.unguard();
    await place.tamper('DELETE FROM stop', "DELETE FROM entries WHERE kind = 'stopped'");
    await journal.record({ kind: 'note', body: {} });
    expect(await vote(id)).toEqual(refused);
  });

  test('a vote that an entry of another hand vouches for does not count, and verify finds it', async () => {
    const request = await propose();
    const votes = ['UCEM', 'UDAN'].map((name) => ({
      by: { id: name, via: 'slack' as const },
      at: '',
      reason: null,
    }));
    const changed = { ...request, votes };
    await write(changed);
    const draft = { request: request.id, kind: 'vote', body: {} };
    const head = await journal.head();
    const entry = nextEntry(draft, { head, at: '', data: canonicalJson(changed) });
    const values = [entry.at, entry.request, entry.kind, entry.body, entry.previous, entry.hash];
    await place.tamper(
      `INSERT INTO entries VALUES (${entry.seq}, ${values.map((value) => `'${value ?? ''}'`).join(', ')})`,
    );
    expect(await vote(request.id)).toEqual(refused);
    expect(await journal.verify()).toMatchObject({
      ok: false,
      seq: entry.seq,
      problem: 'A vote was not recorded as one.',
    });
  });
});
