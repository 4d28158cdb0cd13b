import type { Patient } from '../../../../sandbox/patient/patient.ts';
import { toPolicy } from '../../../../src/config/to-rules.ts';
import { createDatabase } from '../../../../src/postgres/lifeline.ts';
import { openPrivileged } from '../../../../src/app/changing-adapters.ts';
import type { Approvals } from '../../../../src/runbook/approvals/approvals.ts';
import type { Incident } from '../../../../src/runbook/incidents/incident.ts';
import type { Incidents } from '../../../../src/runbook/incidents/incidents.ts';
import { createTargetMonitor } from '../../../../src/runbook/loop/target-monitor.ts';
import type { TargetAdapters, TargetMonitor } from '../../../../src/runbook/loop/target-monitor.ts';
import type { RemedyRequest } from '../../../../src/runbook/remedies/remedy-request.ts';
import type { SealedBundle } from '../../../../src/runbook/reports/sealed-export/bundle.ts';
import { sealIncident } from '../../../../src/terminal/commands/bundle-command.ts';
import { systemClock } from '../../../../src/timing.ts';
import { makeJournalFolder } from '../../../journal/temporary-journal.ts';
import { startPatient } from '../../../support/clusters.ts';
import { configOf } from '../../../support/config-of.ts';
import { openApprovals } from '../../../support/open-approvals.ts';
import { until } from '../../../support/until.ts';
import { ann, bob } from '../../approvals/builders.ts';

interface Drill {
  readonly seed: number;
  readonly trouble: 'connection-leak' | 'lock-contention';
}

const alertName = 'DatabaseConnectionPoolExhausted';

/** An incident from its first look to its end, on a real server that is really in trouble, sealed into a bundle. */
export async function runDrill({ seed, trouble }: Drill): Promise<SealedBundle> {
  const patient = await startPatient({ seed, maxConnections: 30 });
  const folder = makeJournalFolder();
  const adapters = openAdapters(patient);
  const monitor = createTargetMonitor([adapters], systemClock);
  const config = configOf({
    journal: folder.file,
    targets: [patient.target()],
    actions: ['A', 'D'],
    rule: { approve: [ann.id, bob.id] },
    verifyAfterMs: 500,
  });
  const { app, approvals, faults } = await openApprovals(
    { ...config, incidents: { ...config.incidents, openAfterMs: 1, closeAfterMs: 200 } },
    {
      targets: { targetAdapters: [adapters], monitor },
      onChange: (request) => void incidents.requestChanged(request),
    },
  );
  const [incidents, journal] = await Promise.all([app.incidents(), app.journal()]);
  try {
    const { id } = await live({ patient, incidents, approvals, monitor, trouble });
    if (faults.length > 0) throw new AggregateError(faults, 'A change broke off.');
    const incident = await journal.readIncident(id);
    if (incident === undefined) throw new Error('The incident is not in the journal.');
    const sealedAt = new Date().toISOString();
    return await sealIncident(incident, {
      journal,
      target: patient.target(),
      policy: toPolicy(config.approval),
      actor: bob,
      sealedAt,
    });
  } finally {
    await app.close();
    await patient.close();
    folder.close();
  }
}

function openAdapters(patient: Patient): TargetAdapters {
  const { dbconn: url, privileged } = patient.urls;
  return {
    get target() {
      return patient.target();
    },
    database: createDatabase({
      target: patient.target().name,
      url,
      providerReserved: 0,
      limits: patient.limits,
      clock: systemClock,
    }),
    services: patient.services(),
    pools: patient.pools(),
    ...openPrivileged(privileged),
  };
}

interface Scene {
  readonly patient: Patient;
  readonly incidents: Incidents;
  readonly approvals: Approvals;
  readonly monitor: TargetMonitor;
  readonly trouble: Drill['trouble'];
}

async function live({ patient, incidents, approvals, monitor, trouble }: Scene): Promise<Incident> {
  const target = patient.target().name;
  const takeSnapshot = async (): Promise<Incident | null> => {
    const seen = await incidents.observe(await monitor.runCheck(target));
    if (!seen.ok) throw new Error(seen.refusal.why);
    return seen.value;
  };
  await takeSnapshot();
  await patient.trouble(trouble, { leak: 'transaction', lock: 'row' });
  const startsAt = new Date().toISOString();
  const alert = { name: alertName, fingerprint: 'f1', startsAt, labels: {} };
  await incidents.alert({ ...alert, status: 'firing', endsAt: null });
  await takeSnapshot();
  await until('a plan', () => approve(approvals, target, toRemedyRequest(trouble, patient)));
  await takeSnapshot();
  await patient.heal();
  await incidents.alert({ ...alert, status: 'resolved', endsAt: new Date().toISOString() });
  let last: Incident | null = null;
  await until('the end of the incident', async () => {
    last = await takeSnapshot();
    return last?.state === 'resolved';
  });
  if (last === null) throw new Error('The incident is gone.');
  return last;
}

function toRemedyRequest(trouble: Drill['trouble'], { limits }: Patient): RemedyRequest {
  if (trouble === 'lock-contention') return { kind: 'stop-blockers' };
  return { kind: 'idle-in-transaction', idleForMs: limits.terminateIdleInTransactionMs };
}

/** False while there is nothing yet that is old enough for a plan. */
async function approve(approvals: Approvals, target: string, ask: RemedyRequest): Promise<boolean> {
  const proposed = await approvals.propose({ target, ask, actor: ann });
  if (!proposed.ok) return false;
  await approvals.approve(proposed.value.id, bob, 'go');
  const ended = await approvals.settled(proposed.value.id);
  return ended.ok && ended.value.state === 'done';
}
