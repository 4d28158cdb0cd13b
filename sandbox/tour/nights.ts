import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { Patient } from '../patient/patient.ts';
import { asAdmin } from '../patient/schema.ts';
import { approve, awaitEnd, expectNoVotes, jonas, maya, propose } from './change.ts';
import type { Show } from './change.ts';
import { ask, tell } from './room.ts';
import { troubled } from './scene.ts';
import type { TourScene } from './scene.ts';
import { countSessions, readGauges } from './truth.ts';
import { expectVerdict } from './verdict.ts';

/** Nights on which the button that looks right does harm. */

/**
 * PostgreSQL has ended the connections of a leaking pool (option A), and the pool still counts on them: slots are free,
 * every request of the service fails. That is no fix, and no pool that is too small.
 */
export const deadPool: TourScene = {
  title: 'Night: the slots are free again, and the pool still waits for what is gone',
  make: (patient) => patient.trouble('connection-leak', { leak: 'transaction' }),
  judge: () => [],
  async help(show, { status }) {
    const { patient } = show.stage;
    const [service = ''] = troubled(patient);
    const first = await propose(show, { by: maya, words: 'propose A', status });
    const votes = await approve(show, first, [jonas]);
    const half = await awaitEnd(show, first);
    const again = await ask(show, maya, 'status');
    const wrong = judgeDeadPool(show.stage.shown(), service);
    const card = await propose(show, { by: maya, words: `propose C ${service}`, status: again });
    const more = await approve(show, card, [jonas]);
    const end = await awaitEnd(show, card);
    const gauges = await readGauges(patient, service);
    const out = gauges.map(({ checkedOut, limit }) => `${checkedOut} of ${limit}`).join(', ');
    show.say(`\nThe truth: the pools of ${service} have ${out} connections checked out.`);
    return [
      ...votes,
      ...(await expectVerdict(show, half, ['partly'])),
      ...wrong,
      ...more,
      ...(await expectVerdict(show, end, ['fixed'])),
    ];
  },
  clear: (patient) => patient.heal(),
};

function judgeDeadPool(diagnosis: Diagnosis | undefined, service: string): readonly string[] {
  const { causes = [], proposals = [] } = diagnosis ?? {};
  const offered = proposals.map(({ option }) => option);
  const restart = proposals.find(({ option }) => option === 'C');
  return [
    ...(causes[0]?.cause === 'connection-leak' ? [] : ['it does not see the dead connections']),
    ...(restart?.subject === service ? [] : [`it does not propose to restart ${service}`]),
    ...(offered.includes('E') ? ['it would make the pool larger'] : []),
  ];
}

/** Idle connections that nobody comes back to, of a service without pool metrics: no number of its pool is known. */
export const idleLeak: TourScene = {
  title: 'Night: connections are opened, used once and forgotten, and no pool says so',
  make: (patient) => patient.trouble('idle-leak'),
  judge: ({ state, causes, proposals }) => [
    ...(state === 'fine' ? ['it calls a server without free slots fine'] : []),
    ...(causes[0]?.cause === 'connection-leak' ? [] : ['it does not see the leak']),
    ...proposals.flatMap(({ option, summary }) =>
      option === 'B' || option === 'E' ? [`it offers: ${summary}`] : [],
    ),
  ],
  async help(show, { status }) {
    const { patient } = show.stage;
    const services = troubled(patient);
    const [service = ''] = services;
    const before = await countSessions(patient, services);
    const card = await propose(show, { by: maya, words: `propose C ${service}`, status });
    const votes = await approve(show, card, [jonas]);
    const end = await awaitEnd(show, card);
    const after = await countSessions(patient, services);
    show.say(`\nThe truth: ${service} had ${before} sessions, and has ${after}.`);
    return [
      ...votes,
      ...(await expectVerdict(show, end, ['fixed'])),
      ...expectNoVotes(end),
      ...(after < before ? [] : ['the service holds as many connections as before']),
    ];
  },
  clear: (patient) => patient.heal(),
};

/** Commits that wait for a standby which is gone: to cancel one tells its client a lie. */
export const replicationWait: TourScene = {
  title: 'Night: every commit waits for a standby that is gone',
  make: (patient) => patient.trouble('replication-wait'),
  judge: ({ state, verdict, causes, proposals }) => [
    ...(state === 'critical' ? [] : [`it says ${state} while nothing can be written`]),
    ...(verdict.includes('replication wait') ? [] : ['it does not name the replication wait']),
    ...causes.map(({ cause }) => `it sees ${cause} where there is none`),
    ...proposals.flatMap(({ option, summary }) =>
      option === 'D' ? [`it offers: ${summary}`] : [],
    ),
  ],
  async help(show) {
    const { patient } = show.stage;
    const before = await countCommits(patient);
    const refused = await tell(show, maya, 'propose D slow');
    const after = await countCommits(patient);
    show.say('\nJonas takes the standby out of synchronous_standby_names.');
    await patient.heal();
    await ask(show, maya, 'status');
    return [
      ...(before > 0 ? [] : ['no commit waits']),
      ...(refused.startsWith('Proposed: ') ? ['it proposes to cancel commits'] : []),
      ...(after === before ? [] : [`${before - after} commits were cancelled`]),
      ...judgeOver(show),
    ];
  },
  clear: (patient) => patient.heal(),
};

function judgeOver({ stage }: Show): readonly string[] {
  const { verdict = '' } = stage.shown() ?? {};
  return verdict.includes('replication wait') ? ['it still sees a replication wait'] : [];
}

function countCommits({ urls }: Patient): Promise<number> {
  return asAdmin(urls.rescue, async (admin) => {
    const { rowCount } = await admin.query(
      `SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
    );
    return rowCount ?? 0;
  });
}
