import { setTimeout as sleep } from 'node:timers/promises';
import type { Seeded } from '../../../sandbox/patient/seeded.ts';
import type { Night, RoadName } from './night.ts';

/** When something goes wrong: right after this was begun. */
type Moment = 'proposing' | 'approving';

/** What goes wrong around one request. */
export interface Weather {
  /** What was chosen, in words, for whoever reads that a request failed. */
  readonly forecast: readonly string[];
  reached(moment: Moment): void;
  /** Resolves when all is well again. */
  calm(): Promise<void>;
}

interface Fault {
  readonly name: string;
  /** What goes wrong: never in two ways at once. */
  readonly about: RoadName | 'bot' | 'server';
  readonly begin: (night: Night) => Promise<void>;
}

/** Calls that make something each time; PagerDuty's and the others' do the same when they come twice. */
const repeatable = /^(?!POST \/api\/(?:chat\.postMessage|files\.|apps\.))/;

/** One to three faults, each shortly after one of the moments: most while the request is being run. */
export function chooseWeather(seeded: Seeded, night: Night): Weather {
  const faults = Array.from({ length: seeded.between(1, 3) }, () => {
    const moment = seeded.pick<Moment>(['proposing', 'approving', 'approving', 'approving']);
    // Most changes are over in a tenth of a second, and are watched for a second.
    const afterMs = seeded.between(0, seeded.pick([60, 150, 1200]));
    const fault = chooseFault(seeded, night);
    return { moment, afterMs, fault };
  });
  let ahead = [...faults];
  const underWay = new Map<Fault['about'], Promise<void>>();
  const begin = ({ afterMs, fault: { about, begin } }: (typeof faults)[number]): void => {
    const before = underWay.get(about) ?? Promise.resolve();
    const work = Promise.all([before, sleep(afterMs)]).then(() => begin(night));
    work.catch(() => undefined); // `calm` tells
    underWay.set(about, work);
  };
  return {
    forecast: faults.map(
      ({ moment, afterMs, fault }) => `${afterMs} ms after ${moment}: ${fault.name}`,
    ),
    reached(moment) {
      const due = ahead.filter((one) => one.moment === moment);
      ahead = ahead.filter((one) => one.moment !== moment);
      for (const one of due) begin(one);
    },
    async calm() {
      await Promise.all(underWay.values());
      await night.keeper.untilUp();
    },
  };
}

function chooseFault(seeded: Seeded, { shelf }: Night): Fault {
  const others = shelf === undefined ? [] : [onJournal(seeded)];
  return seeded.pick([onRoad(seeded, shelf), onRoad(seeded, shelf), onBot(seeded), ...others]);
}

function onRoad(seeded: Seeded, shelf: Night['shelf']): Fault {
  const own: RoadName[] = shelf === undefined ? [] : ['journal', 'journal'];
  const name = seeded.pick<RoadName>([
    'target',
    'target',
    'slack',
    'slack',
    'pager',
    'engine',
    ...own,
  ]);
  const forMs = seeded.between(100, name === 'target' ? 6000 : 3000);
  const messages = seeded.between(1, 4);
  const [there, back] = [seeded.between(20, 600), seeded.between(20, 600)];
  const isHttp = name !== 'target' && name !== 'journal';
  const faults: readonly [Fault, ...Fault[]] = [
    {
      about: name,
      name: `the road to ${name} is held for ${forMs} ms`,
      async begin({ roads }) {
        roads[name].hold();
        await sleep(forMs);
        roads[name].release();
      },
    },
    {
      about: name,
      name: `the road to ${name} is cut after ${messages} messages`,
      async begin({ roads }) {
        roads[name].cutAfter(messages);
        await sleep(1000);
        roads[name].cut();
      },
    },
    {
      about: name,
      name: `the road to ${name} is slow by ${there} and ${back} ms for ${forMs} ms`,
      async begin({ roads }) {
        roads[name].delayBy(there, back);
        await sleep(forMs);
        roads[name].delayBy(0);
      },
    },
    ...(isHttp ? [repeated(name)] : []),
  ];
  return seeded.pick(faults);
}

function repeated(name: RoadName): Fault {
  return {
    about: name,
    name: `the road to ${name} delivers twice`,
    async begin({ roads }) {
      roads[name].repeat(repeatable);
      await sleep(2000);
      roads[name].repeat(undefined);
    },
  };
}

function onBot(seeded: Seeded): Fault {
  const forMs = seeded.between(100, 3000);
  return seeded.pick<Fault>([
    { about: 'bot', name: 'the bot is killed', begin: ({ keeper }) => keeper.kill() },
    { about: 'bot', name: 'the bot is stopped', begin: ({ keeper }) => keeper.stop() },
    {
      about: 'bot',
      name: `the bot is frozen for ${forMs} ms`,
      begin: ({ keeper }) => keeper.freeze(forMs),
    },
    {
      about: 'bot',
      name: `the bot is frozen, replaced, and goes on after ${forMs} ms`,
      begin: ({ keeper }) => keeper.replaceFrozen(forMs),
    },
  ]);
}

function onJournal(seeded: Seeded): Fault {
  const forMs = seeded.between(100, 2000);
  return {
    about: 'server',
    name: `the journal's server is killed and comes back after ${forMs} ms`,
    async begin({ shelf }) {
      await shelf?.stop('immediate');
      await sleep(forMs);
      await shelf?.start();
    },
  };
}
