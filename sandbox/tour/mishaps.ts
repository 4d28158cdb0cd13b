import type { Patient } from '../patient/patient.ts';
import {
  approve,
  awaitEnd,
  dana,
  expectNoVotes,
  expectRefusal,
  guest,
  jonas,
  maya,
  propose,
} from './change.ts';
import type { Show } from './change.ts';
import { awaitMessage, tell } from './room.ts';
import type { TourScene } from './scene.ts';
import { leaveLine } from './server-file.ts';
import { readMaxConnections, readPools, readSetting } from './truth.ts';
import { expectVerdict } from './verdict.ts';
import { toText } from '../message-text.ts';

/** Where people ask for what does not work, or are told to stop. */

/** A server without trouble, but for what people do to it. */
const calm: Pick<TourScene, 'judge' | 'clear'> = {
  judge: ({ causes }) => causes.map(({ cause }) => `it sees ${cause} where there is none`),
  clear: (patient) => patient.heal(),
};

/** What the card must begin with, whatever else it says. */
const takenBack = 'Failed and undone: ';

const smallService = {
  name: 'gateway',
  replicas: 2,
  poolSize: 4,
  maxOverflow: 6,
  poolTimeoutSeconds: 5,
  role: 'app',
  largestPool: 8,
} as const;

/** Numbers a service does not start with: it runs on its old ones, and the card says so. */
export const wrongPoolSize: TourScene = {
  ...calm,
  title: 'A mistake: a pool size with which the service does not start',
  async make({ fleet }) {
    const { name, largestPool } = smallService;
    await fleet.start([smallService]);
    const load = { kind: 'load', concurrency: 2, queryMs: 5, pauseMs: 200 } as const;
    await Promise.all(fleet.replicasOf(name).map((replica) => replica.post(load)));
    return [
      `${name} has no memory for a pool of more than ${largestPool}, and ends when given one.`,
    ];
  },
  async help(show) {
    const { patient } = show.stage;
    const { name } = smallService;
    const before = await readPools(patient, name);
    const card = await propose(show, { by: maya, words: `propose E ${name} 10 0` });
    const votes = await approve(show, card, [jonas, dana]);
    const end = await awaitEnd(show, card);
    const after = await readPools(patient, name);
    show.say(`\nThe truth: ${name} runs with ${after.join(', ')}.`);
    return [
      ...votes,
      ...expectNoVotes(end),
      ...expectWords(toText(end), takenBack, '4 + 6 as before', `more than 8 does not fit`),
      ...(after.join() === before.join() ? [] : [`it ran with ${before.join(', ')} before`]),
    ];
  },
};

/** A number PostgreSQL accepts and cannot start with: it runs on its old one, and the card says so. */
export function wrongMaxConnections(): TourScene {
  let restore: (() => Promise<void>) | undefined;
  return {
    ...calm,
    title: 'A mistake: max_connections with which PostgreSQL does not start',
    async make({ cluster }) {
      restore = await leaveLine(cluster, 'max_locks_per_transaction = 20000');
      return [
        'Somebody set max_locks_per_transaction = 20000 and did not restart: with many connections that is more memory than there is.',
      ];
    },
    help: raiseTooFar,
    async clear() {
      await restore?.();
    },
  };
}

async function raiseTooFar(show: Show): Promise<readonly string[]> {
  const { patient } = show.stage;
  const before = await readMaxConnections(patient);
  const card = await propose(show, { by: maya, words: 'propose B 20000' });
  const votes = await approve(show, card, [jonas, dana]);
  const end = await awaitEnd(show, card);
  const after = await readMaxConnections(patient);
  show.say(`\nThe truth: PostgreSQL runs with max_connections = ${after}.`);
  return [
    ...votes,
    ...expectNoVotes(end),
    ...expectWords(
      toText(end),
      takenBack,
      'The old value is restored',
      `max_connections = ${before}`,
    ),
    ...(after === before ? [] : [`max_connections was ${before}`]),
  ];
}

/** Anybody may stop everything, and only an approver lets it go on. */
export const emergencyStop: TourScene = {
  title: 'An emergency stop, and a time-out so that forgotten transactions end by themselves',
  make: (patient: Patient) => patient.trouble('healthy'),
  judge: (diagnosis) => [
    ...(diagnosis.state === 'fine' ? [] : [`it says ${diagnosis.state} where fine is right`]),
    ...calm.judge(diagnosis),
  ],
  async help(show) {
    const words = 'propose prevention idle-in-transaction 10m';
    const card = await propose(show, { by: maya, words });
    const stopped = await tell(show, guest, 'stop the figures look odd to me');
    const shown = await showsStop(show, card.ts, true);
    const refused = await expectRefusal(show, card, { by: jonas, told: 'All changes are stopped' });
    const early = await tell(show, guest, 'go');
    if (early.includes('Only an approver')) show.refusals.push(early);
    const lifted = await tell(show, jonas, 'go I have seen them');
    await showsStop(show, card.ts, false);
    const votes = await approve(show, card, [jonas, dana]);
    const end = await awaitEnd(show, card);
    const value = await readSetting(show.stage.patient, 'idle_in_transaction_session_timeout');
    show.say(`\nThe truth: idle_in_transaction_session_timeout is ${value}.`);
    return [
      ...expectWords(stopped, 'All changes are stopped'),
      ...(shown ? [] : ['the card does not show the stop']),
      ...refused,
      ...expectWords(early, 'Only an approver'),
      ...expectWords(lifted, 'resumed changes'),
      ...votes,
      ...(await expectVerdict(show, end, ['fixed'])),
      ...expectNoVotes(end),
      ...(value === '10min' ? [] : ['the time-out is not in force']),
    ];
  },
  clear: (patient) => patient.heal(),
};

/** Waits until the card shows the stop, or no longer does. */
async function showsStop(show: Show, ts: string, isStopped: boolean): Promise<boolean> {
  const card = await awaitMessage(
    show,
    (one) => one.ts === ts && toText(one).includes('All changes are stopped') === isStopped,
  );
  return card.ts === ts;
}

function expectWords(text: string, ...words: readonly string[]): readonly string[] {
  return words.filter((word) => !text.includes(word)).map((word) => `nothing says "${word}"`);
}
