import { jonas, maya } from './change.ts';
import type { Show } from './change.ts';
import { briefly } from './incident-sights.ts';
import { ask } from './room.ts';
import type { TourScene } from './scene.ts';
import { soon } from './truth.ts';

/** Requests wait in PgBouncer while PostgreSQL has room: none of the runbook's options is about that. */
export const poolerQueue: TourScene = {
  title: 'Night: everybody waits in PgBouncer, and PostgreSQL has room',
  make: (patient) => patient.trouble('pooler-queue'),
  judge: ({ state, causes, verdict, proposals }) => [
    ...(state === 'critical' ? [] : [`it says ${state} while requests queue`]),
    ...(verdict.includes('pooler queue') ? [] : ['it does not name the queue']),
    ...causes.map(({ cause }) => `it sees ${cause} where there is none`),
    ...proposals.map(({ summary }) => `it offers: ${summary}`),
  ],
  async help(show) {
    const { pooler } = show.stage.patient;
    const before = await pooler.readQueue();
    const { clients } = before;
    show.say(`\n${jonas.realName} on PgBouncer's console: SET default_pool_size = ${clients}`);
    await pooler.set('default_pool_size', clients);
    const isOver = await soon(async () => (await pooler.readQueue()).waiting === 0);
    show.say(
      `\nThe truth: ${before.waiting} clients waited, and ${isOver ? 'none does' : 'some still do'}.`,
    );
    show.say(`\n${briefly(await ask(show, maya, 'status'))}`);
    return [...(isOver ? [] : ['the queue is not gone']), ...judgeOver(show)];
  },
  clear: (patient) => patient.heal(),
};

function judgeOver({ stage }: Show): readonly string[] {
  const { state, causes = [], findings = [] } = stage.shown() ?? {};
  const isNamed = findings.some(({ id }) => id === 'pooler-queue');
  return [
    ...(state === 'fine' ? [] : [`it says ${state ?? 'nothing'} once nobody waits`]),
    ...(isNamed ? ['it still sees a queue'] : []),
    ...causes.map(({ cause }) => `it still sees ${cause}`),
  ];
}
