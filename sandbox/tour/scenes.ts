import { Client } from 'pg';
import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { Trouble } from '../patient/scenes/scene.ts';
import { emergencyStop, wrongMaxConnections, wrongPoolSize } from './mishaps.ts';
import { deployOverlap } from './deploy-night.ts';
import { deadPool, idleLeak, replicationWait } from './nights.ts';
import { isPgBouncerInstalled } from '../patient/pgbouncer.ts';
import { poolerQueue } from './pooler-night.ts';
import { remedied, remedies } from './remedies.ts';
import type { TourScene } from './scene.ts';
import { story } from './story.ts';

/** All scenes: the calm ones, an incident from end to end, each cause and its remedy, two causes at once, a full house, a frozen server, mistakes. */
export function tourScenes(): readonly TourScene[] {
  return [
    emergencyStop,
    // A leak is what the whole story is about.
    story,
    ...remedied.options.map((cause) => ({ ...sick([cause], cause), help: remedies[cause] })),
    sick(
      ['slow-queries', 'lock-contention'],
      'two causes at once: slow queries and lock contention',
    ),
    deadPool,
    idleLeak,
    deployOverlap,
    ...(isPgBouncerInstalled ? [poolerQueue] : []),
    replicationWait,
    busy,
    fullHouse(),
    frozen,
    wrongPoolSize,
    wrongMaxConnections(),
  ];
}

const busy: TourScene = {
  title: 'Busy at 85%, and healthy',
  make: (patient) => patient.trouble('healthy-busy'),
  judge: (diagnosis) => [
    ...expectState(diagnosis, 'warning'),
    ...diagnosis.causes.map(({ cause }) => `it sees ${cause} where there is none`),
  ],
  clear: (patient) => patient.heal(),
};

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

const frozen: TourScene = {
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

function expectReach(kind: string | undefined): string[] {
  return kind === 'frozen' ? [] : [`it says ${kind ?? 'nothing'} of a frozen server`];
}

function expectState({ state }: Diagnosis, expected: Diagnosis['state']): string[] {
  return state === expected ? [] : [`it says ${state} where ${expected} is right`];
}
