import { createInterface } from 'node:readline';
import { z } from 'zod';
import { reachEngine } from './engine.ts';
import { killingJournal } from './killing-journal.ts';
import type { KillPoint } from './killing-journal.ts';
import { bob, openCrashApprovals } from './open-crash-approvals.ts';
import { takeOverFirst } from './take-over-first.ts';
import { reachedAdapters } from './reached-adapters.ts';
import type { PatientTarget } from './reached-adapters.ts';

/** What the parent writes to this process: approve that request and run it, say that it was run by hand, or finish it, and die at that point. */
const Job = z.object({
  /** Of the journal. */
  address: z.string(),
  task: z.enum(['approve', 'take over', 'ran by hand']),
  id: z.string(),
  engine: z.string(),
  patientTarget: z.custom<PatientTarget>((value) => typeof value === 'object'),
  point: z.custom<KillPoint>((value) => typeof value === 'object').nullable(),
});
export type Job = z.infer<typeof Job>;

const job = Job.parse(JSON.parse(await readLine()));
const { approvals, faults, close } = await openCrashApprovals({
  address: job.address,
  adapters: reachedAdapters(job.patientTarget, reachEngine(job.engine)),
  wrapJournal: (journal) => killingJournal(journal, job.point),
});
if (job.task === 'take over') {
  await takeOverFirst(approvals);
} else {
  const work =
    job.task === 'approve' ? approvals.approve(job.id, bob) : approvals.ranByHand(job.id, bob);
  const heard = await work;
  if (!heard.ok) throw new Error(heard.refusal.why);
}
await approvals.settled(job.id);
if (faults.length > 0) throw new AggregateError(faults, 'A change broke off.');
await close();

async function readLine(): Promise<string> {
  const lines = createInterface(process.stdin);
  for await (const line of lines) return line;
  throw new Error('There was no job.');
}
