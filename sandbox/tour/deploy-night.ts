import type { Diagnosis } from '../../src/runbook/diagnose/diagnosis.ts';
import type { Show } from './change.ts';
import { jonas, maya } from './change.ts';
import { briefly } from './incident-sights.ts';
import { ask } from './room.ts';
import { troubled } from './scene.ts';
import type { TourScene } from './scene.ts';
import { countSessions } from './truth.ts';

/** Old and new replicas at once: a larger pool, or a larger server, would be one for the length of a deploy. */
export const deployOverlap: TourScene = {
  title: 'Night: a deploy does not end, and old and new replicas run at once',
  make: (patient) => patient.trouble('deploy-overlap'),
  judge: ({ state, causes, verdict, proposals }) => [
    ...(state === 'critical' ? [] : [`it says ${state} while connections are refused`]),
    ...(causes[0]?.cause === 'application-scaling' ? [] : ['it does not see too many replicas']),
    ...(verdict.includes('Old and new replicas') ? [] : ['it does not name the deploy']),
    ...proposals.flatMap(({ option, summary }) =>
      option === 'B' || option === 'E' ? [`it offers: ${summary}`] : [],
    ),
  ],
  async help(show, { diagnosis }) {
    const { patient } = show.stage;
    const services = troubled(patient);
    const before = await countSessions(patient, services);
    const stopped = await stopNamed(show, diagnosis);
    const after = await countSessions(patient, services);
    show.say(`\nThe truth: ${services.join(', ')} had ${before} sessions, and has ${after}.`);
    show.say(`\n${briefly(await ask(show, maya, 'status'))}`);
    return [
      ...stopped,
      ...(after < before ? [] : ['the service holds as many connections as before']),
      ...judgeOver(show),
    ];
  },
  clear: (patient) => patient.heal(),
};

/** Does what the finding says. The containers it names have to be all of the old ones, and none of the new. */
async function stopNamed(
  { stage, say }: Show,
  { findings }: Diagnosis,
): Promise<readonly string[]> {
  const { fleet } = stage.patient;
  const [first = ''] = troubled(stage.patient);
  const oldImage = fleet.replicasOf(first)[0]?.options.imageId;
  const old = fleet.replicasOf(first).filter(({ options }) => options.imageId === oldImage);
  const { fix = '' } = findings.find(({ id }) => id === 'deploy-overlap') ?? {};
  const [command = 'nothing', words = ''] = /docker stop ([^.]+)/.exec(fix) ?? [];
  const named = fleet.replicas.filter(({ name }) => words.split(' ').includes(name));
  say(`\n${jonas.realName} types: ${command}`);
  await fleet.remove(named);
  const isRight = named.length === old.length && named.every((replica) => old.includes(replica));
  return isRight ? [] : [`it would stop ${words}`];
}

/** The refusals of a minute ago are still in the logs, so it may well be a warning. */
function judgeOver({ stage }: Show): readonly string[] {
  const { state, causes = [], findings = [] } = stage.shown() ?? {};
  const isNamed = findings.some(({ id }) => id === 'deploy-overlap');
  return [
    ...(state === 'critical' ? ['it is still critical'] : []),
    ...(isNamed ? ['it still sees old and new replicas'] : []),
    ...causes.map(({ cause }) => `it still sees ${cause}`),
  ];
}
