import { createInterface } from 'node:readline';
import { z } from 'zod';
import { systemClock } from '../../../src/timing.ts';
import { readConfig } from '../../../src/config/config.ts';
import { openTargets } from '../../../src/app/target-adapters.ts';
import { killingJournal } from '../../crash/killing-journal.ts';
import type { KillPoint } from '../../crash/killing-journal.ts';
import { bob, openCrashApprovals } from '../../crash/open-crash-approvals.ts';

/** What the parent writes to this process: approve that request, run it on the engine, and die at that point. */
const Job = z.object({
  configFile: z.string(),
  id: z.string(),
  point: z.custom<KillPoint>((value) => typeof value === 'object').nullable(),
});
export type Job = z.infer<typeof Job>;

const job = Job.parse(JSON.parse(await readLine()));
const config = readConfig(process.env, job.configFile);
const {
  targetAdapters: [adapters],
} = await openTargets(config, { clock: systemClock });
if (adapters === undefined) throw new Error('The configuration names no target.');
const { approvals, faults, close } = await openCrashApprovals({
  address: config.journal,
  adapters,
  wrapJournal: (journal) => killingJournal(journal, job.point),
});
const approved = await approvals.approve(job.id, bob);
if (!approved.ok) throw new Error(approved.refusal.why);
await approvals.settled(job.id);
if (faults.length > 0) throw new AggregateError(faults, 'A change broke off.');
await close();

async function readLine(): Promise<string> {
  for await (const line of createInterface(process.stdin)) return line;
  throw new Error('There was no job.');
}
