import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { createSeeded } from '../../sandbox/patient/seeded.ts';
import type { Seeded } from '../../sandbox/patient/seeded.ts';
import { aNightsChanges, startService } from './faults/changes.ts';
import type { Change } from './faults/changes.ts';
import { expectCards, expectQuiet, expectSameEnds, readLogFrom } from './faults/expect-true.ts';
import { openNight } from './faults/night.ts';
import type { Kind, Night } from './faults/night.ts';
import {
  approve,
  closeIncident,
  openIncident,
  propose,
  tellRequest,
  untilEnded,
} from './faults/people.ts';
import { chooseWeather } from './faults/weather.ts';
import { openStoryPatient } from './story/stage.ts';

/** So many changes on each kind of journal, while the roads to everything break and the bot is killed, stopped and frozen. */
const requests = Number(process.env['DBCONN_FAULT_REQUESTS'] ?? 13);
/** The same faults on every run, so that a red run can be repeated; DBCONN_FAULT_SEED=… goes looking for others. */
const firstSeed = Number(process.env['DBCONN_FAULT_SEED'] ?? '201');
const aNight = aNightsChanges.length;
/** Two rounds of a bot: at the latest then it shows what another one changed. */
const cardWithinMs = 60_000;

/** So many nights beside each other on each kind of journal: most of a change is waiting. */
const lanes = 2;

interface Figures {
  readonly ends: string[];
  /** The card that was right the latest after its last fault. */
  slowest: Ended | undefined;
  readonly bots: number;
}

/** One change from its proposal to its card, with the faults that are chosen for it. */
async function change(night: Night, seeded: Seeded, { words, crashCase }: Change): Promise<Ended> {
  const { countCalls, forgetCalls } = night.engine;
  forgetCalls();
  const prepared = await crashCase.prepare({ patient: night.patient, countCalls });
  const from = (await night.patient.cluster.log()).length;
  const weather = chooseWeather(seeded, night);
  const story = `${words}: ${weather.forecast.join('; ')}`;
  let id = '';
  try {
    weather.reached('proposing');
    id = await propose(night, words);
    weather.reached('approving');
    await approve(night, id);
    const ended = await untilEnded(night, id);
    await weather.calm();
    const calmAt = performance.now();
    await expectCards(night);
    const cardMs = performance.now() - calmAt;
    expect(cardMs).toBeLessThan(cardWithinMs);
    const isKnown = !(
      ended.result?.report.summary.startsWith('The state of its targets is unknown') ?? false
    );
    if (isKnown) await prepared.check(ended);
    expectSameEnds(await readLogFrom(night, from), ended);
    await expectQuiet(night);
    expect(night.keeper.faults).toEqual([]);
    const end = ended.result?.outcome?.word ?? ended.state;
    return { end: isKnown ? end : 'not known', cardMs, story };
  } catch (cause) {
    const record = await tellRequest(night, id).catch(String);
    throw new Error([story, record, (await readLogFrom(night, from)).text].join('\n'), { cause });
  } finally {
    await weather.calm();
    await prepared.tidy();
  }
}

interface Ended {
  readonly end: string;
  readonly cardMs: number;
  /** What was changed, and what went wrong around it. */
  readonly story: string;
}

async function play(kind: Kind, seed: number, count: number): Promise<Figures> {
  const storyPatient = await openStoryPatient(seed);
  try {
    await startService({
      patient: storyPatient.patient,
      countCalls: storyPatient.engine.countCalls,
    });
    const night = await openNight(storyPatient, kind);
    try {
      const seeded = createSeeded(seed);
      return await spend(night, seeded, seeded.shuffle(aNightsChanges).slice(0, count));
    } finally {
      await night.close();
    }
  } finally {
    await storyPatient.close();
  }
}

async function spend(night: Night, seeded: Seeded, changes: readonly Change[]): Promise<Figures> {
  await night.keeper.untilUp();
  await openIncident(night);
  const figures: Figures = { ends: [], slowest: undefined, bots: 0 };
  for (const one of changes) {
    const ended = await change(night, seeded, one);
    figures.ends.push(ended.end);
    const { slowest } = figures;
    if (slowest === undefined || slowest.cardMs < ended.cardMs) figures.slowest = ended;
  }
  await closeIncident(night);
  expect(night.pagerDuty.pages.map(({ state }) => state)).toEqual(['resolved']);
  expect(await night.read((journal) => journal.verify())).toMatchObject({ ok: true });
  return { ...figures, bots: night.keeper.starts };
}

function tell(kind: Kind, seed: number, figures: Figures): void {
  const { ends, slowest, bots } = figures;
  const words = [...new Set(ends)].map(
    (end) => `${ends.filter((one) => one === end).length} ${end}`,
  );
  const seconds = ((slowest?.cardMs ?? 0) / 1000).toFixed(1);
  const card = `the slowest card ${seconds} s after the last fault (${slowest?.story})`;
  process.stdout.write(`${kind}, seed ${seed}: ${words.join(', ')}; ${bots} bots; ${card}\n`);
}

/** Night after night on one kind of journal, each `lanes`th of them; returns what went wrong. */
async function playAll(kind: Kind, lane: number): Promise<Error[]> {
  const problems: Error[] = [];
  for (let begun = lane * aNight; begun < requests; begun += lanes * aNight) {
    const seed = firstSeed + begun / aNight;
    try {
      tell(kind, seed, await play(kind, seed, Math.min(aNight, requests - begun)));
    } catch (cause) {
      const problem = new Error(`${kind}, DBCONN_FAULT_SEED=${seed}`, { cause });
      // At once: the nights after it may take an hour.
      process.stdout.write(`${inspect(problem)}\n`);
      problems.push(problem);
    }
  }
  return problems;
}

test(
  'whatever breaks in the middle of a change, on either journal, the record, the card and the log of PostgreSQL say the same',
  { timeout: 300_000 + requests * 30_000 },
  async () => {
    const all = Array.from({ length: lanes }, (_, lane) => [
      playAll('SQLite', lane),
      playAll('PostgreSQL', lane),
    ]);
    const problems = (await Promise.all(all.flat())).flat();
    if (problems.length > 0) throw new AggregateError(problems, 'Something was not true.');
    expect(problems).toEqual([]);
  },
);
