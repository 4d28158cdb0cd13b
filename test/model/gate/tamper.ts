import { DatabaseSync } from 'node:sqlite';
import { constantFrom, nat, record } from 'fast-check';
import { ApprovalRequest } from '../../../src/runbook/approvals/request.ts';
import { canonicalJson, hashPlan } from '../../../src/runbook/remedies/plan.ts';
import { command } from './command.ts';

type Tampering = 'vote' | 'fewer votes' | 'plan' | 'plan and hash' | 'expiry' | 'state' | 'entry';
const tamperings: readonly Tampering[] = [
  'vote',
  'fewer votes',
  'plan',
  'plan and hash',
  'expiry',
  'state',
  'entry',
];

/** A hand with SQL in the journal's file, past dbconn. It has no way to make the hashes fit again. */
export const tamper = command(
  'tamper',
  record({ request: nat({ max: 5 }), with: constantFrom(...tamperings) }),
  async ({ rules, file }, args) => {
    const known = rules.pick(args.request);
    if (known === undefined) return;
    // What runs is in a process's memory, and its next write puts the row right.
    if (['approved', 'executing', 'verifying'].includes(known.state)) return;
    const database = new DatabaseSync(file);
    try {
      if (args.with === 'entry') {
        // Who knew the entry believes nothing any more; who did not sees one request that no entry vouches for.
        rules.hasGap = true;
        const cut = deleteEntry(database, known.id);
        if (cut === 'state') rules.tampered.add(known.target);
        if (cut === 'note') rules.hasHole = true;
      } else if (await rewrite(database, known.id, args.with)) rules.tampered.add(known.target);
    } finally {
      database.close();
    }
  },
);

/**
 * What was cut out. A note changes no request: it is missed by whoever verifies the whole chain, and at its end by who
 * has the posted heads alone.
 */
function deleteEntry(database: DatabaseSync, id: string): 'state' | 'note' | 'last note' {
  database.exec('DROP TRIGGER IF EXISTS entries_are_kept');
  const [last] = database
    .prepare(
      `SELECT seq, body ->> 'requestSha256' IS NULL AS isNote, seq = (SELECT max(seq) FROM entries) AS isEnd
       FROM entries WHERE request = ? ORDER BY seq DESC LIMIT 1`,
    )
    .all(id);
  database.prepare('DELETE FROM entries WHERE seq = ?').run(last?.['seq'] ?? null);
  if (last?.['isNote'] !== 1) return 'state';
  return last['isEnd'] === 1 ? 'last note' : 'note';
}

async function rewrite(database: DatabaseSync, id: string, how: Tampering): Promise<boolean> {
  const row = database.prepare('SELECT data FROM requests WHERE id = ?').get(id);
  const before = String(row?.['data']);
  const after = canonicalJson(await change(ApprovalRequest.parse(JSON.parse(before)), how));
  database.prepare('UPDATE requests SET data = ? WHERE id = ?').run(after, id);
  return after !== before;
}

async function change(request: ApprovalRequest, how: Tampering): Promise<ApprovalRequest> {
  const plan = { ...request.plan, title: 'End everything' };
  const vote = { by: { id: 'UCEM', via: 'slack' as const }, at: request.proposedAt, reason: null };
  switch (how) {
    case 'vote':
      return { ...request, votes: [...request.votes, vote] };
    case 'fewer votes':
      return { ...request, votesNeeded: 1 };
    case 'plan':
      return { ...request, plan };
    case 'plan and hash':
      return { ...request, plan, hash: await hashPlan(plan) };
    case 'expiry':
      return { ...request, expiresAt: '2030-01-01T00:00:00.000Z' };
    default:
      return { ...request, state: 'proposed', closing: null, result: null, execution: null };
  }
}
