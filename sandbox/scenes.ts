import { Client } from 'pg';
import type { Diagnosis } from '../src/runbook/diagnose/diagnosis.ts';
import type { Patient } from './patient/patient.ts';
import type { Trouble } from './patient/scenes/scene.ts';

/** One act of the tour: how it is made, and what a right diagnosis of it says. */
export interface TourScene {
  readonly title: string;
  make(patient: Patient): Promise<readonly string[]>;
  /** What is wrong with this diagnosis; nothing if it is right. The diagnosis itself never sees this. */
  judge(diagnosis: Diagnosis): readonly string[];
  /** Ended by people, through a proposal and its approval, before it is undone. */
  readonly rescued?: boolean;
  /** Undone after the message was read. */
  clear(patient: Patient): Promise<void>;
}

const otherCauses: readonly Trouble[] = [
  'slow-queries',
  'uncommitted-transactions',
  'application-scaling',
  'pool-misconfiguration',
  'lock-contention',
];

/** All scenes of the tour: the calm ones, each cause, two causes at once, a full house and a frozen server. */
export const tourScenes: readonly TourScene[] = [
  calm('healthy', 'A healthy, quiet server', 'fine'),
  { ...sick(['connection-leak'], 'connection-leak'), rescued: true },
  ...otherCauses.map((cause) => sick([cause], cause)),
  sick(['slow-queries', 'lock-contention'], 'two causes at once: slow queries and lock contention'),
  calm('healthy-busy', 'Busy at 85 %, and healthy', 'warning'),
  fullHouse(),
  frozen(),
];

function calm(trouble: Trouble, title: string, state: Diagnosis['state']): TourScene {
  return {
    title,
    make: (patient) => patient.trouble(trouble),
    judge: (diagnosis) => [
      ...expectState(diagnosis, state),
      ...diagnosis.causes.map(({ cause }) => `it sees ${cause} where there is none`),
    ],
    clear: (patient) => patient.heal(),
  };
}

function sick(troubles: readonly Trouble[], title: string): TourScene {
  return {
    title: `Trouble: ${title}`,
    make: (patient) => patient.trouble(troubles),
    judge({ causes }) {
      const found = causes.map(({ cause }): string => cause);
      const missing = troubles.filter((trouble) => !found.includes(trouble));
      const [first = 'nothing'] = found;
      const firstIsRight = troubles.some((trouble) => trouble === first);
      return [
        ...missing.map((trouble) => `it does not see ${trouble}`),
        ...(firstIsRight ? [] : [`it puts ${first} first`]),
      ];
    },
    clear: (patient) => patient.heal(),
  };
}

/** Every slot an ordinary role can have is taken: the warm connection is all that is left. */
function fullHouse(): TourScene {
  const crowd: Client[] = [];
  return {
    title: 'Every slot is taken',
    async make({ cluster }) {
      while (await squeezeIn(cluster.url('app', 'shop'), crowd));
      return [`${crowd.length} more clients came, until PostgreSQL refused the next one.`];
    },
    judge: ({ capacity, reach, sources, state }) => [
      ...(state === 'critical' ? [] : ['it does not call a full server critical']),
      ...(capacity?.free === 0 ? [] : [`it sees ${capacity?.free ?? 'no'} free slots`]),
      ...(sources.length > 0 ? [] : ['it cannot name the sources']),
      ...(reach.via === 'warm' ? [] : [`it came in by ${reach.via}, not by the warm connection`]),
    ],
    async clear() {
      await Promise.all(crowd.splice(0).map((client) => client.end()));
    },
  };
}

async function squeezeIn(url: string, crowd: Client[]): Promise<boolean> {
  const client = new Client({ connectionString: url, application_name: 'crowd' });
  try {
    await client.connect();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === '53300') return false;
    throw error;
  }
  crowd.push(client);
  return true;
}

function frozen(): TourScene {
  return {
    title: 'PostgreSQL hangs: every process of it is stopped',
    async make({ cluster }) {
      await cluster.freeze('all');
      return ['SIGSTOP went to the postmaster and all its children.'];
    },
    judge: ({ reach, state, tookMs }) => [
      ...expectReach(reach.error?.kind),
      ...(state === 'critical' ? [] : ['it does not call a frozen server critical']),
      ...(tookMs < 5000 ? [] : [`it took ${Math.round(tookMs)} ms`]),
    ],
    clear: ({ cluster }) => cluster.thaw(),
  };
}

function expectReach(kind: string | undefined): string[] {
  return kind === 'frozen' ? [] : [`it says ${kind ?? 'nothing'} of a frozen server`];
}

function expectState({ state }: Diagnosis, expected: Diagnosis['state']): string[] {
  return state === expected ? [] : [`it says ${state} where ${expected} is right`];
}
