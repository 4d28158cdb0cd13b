import { describe, expect, test } from 'vitest';
import { createSeeded } from '../../sandbox/patient/seeded.ts';
import { diagnose } from '../../src/runbook/diagnose/diagnose.ts';
import type { CauseName, Diagnosis, Proposal } from '../../src/runbook/diagnose/diagnosis.ts';
import { misleading } from '../support/named-options.ts';
import { mixOf } from './support/mix.ts';
import type { Behaviour, Mix, Part } from './support/mix.ts';

/** Whatever comes together: nothing that holds little is blamed, and nothing offered makes it worse. */

const behaviours = [
  'working',
  'thinking',
  'idle by design',
  'leak in transaction',
  'idle leak',
  'slow',
  'uncommitted',
  'waiting',
  'dead pool',
] as const satisfies readonly Behaviour[];

/** Two to five troubles at once, on a server that is between half and quite full. */
function randomMix(seed: number): Mix {
  const seeded = createSeeded(seed);
  const usable = seeded.pick([37, 97, 197, 497]);
  const parts: Part[] = [];
  let left = Math.floor((usable * seeded.between(50, 99)) / 100) - 1;
  for (let at = 0; at < seeded.between(2, 5) && left > 2; at += 1) {
    const many = at === 4 ? left : seeded.between(1, left);
    left -= many;
    parts.push({
      behaviour: seeded.pick(behaviours),
      many,
      service: seeded.between(1, 4) === 1 ? null : `service${'abcde'[at] ?? ''}`,
      hasMetrics: seeded.between(0, 1) === 1,
      fits: seeded.between(0, 1) === 1,
    });
  }
  return mixOf(seed, usable, parts);
}

/** Which sessions each cause would speak for. */
const speaksFor: Partial<Record<CauseName, readonly Behaviour[]>> = {
  'connection-leak': ['leak in transaction', 'idle leak', 'uncommitted'],
  'slow-queries': ['slow'],
  'uncommitted-transactions': ['uncommitted', 'leak in transaction', 'waiting'],
  'lock-contention': ['waiting'],
};

function held({ parts }: Mix, of: readonly Behaviour[]): number {
  const sizes = parts.filter(({ behaviour }) => of.includes(behaviour)).map(({ many }) => many);
  return sizes.reduce((total, many) => total + many, 0);
}

const seeds = Array.from({ length: 100 }, (_, index) => index + 1);

describe.each(seeds)('mix %i', (seed) => {
  const mix = randomMix(seed);
  const found = diagnose(mix.input);

  test('no sentence names an option that is not offered', () => {
    expect(misleading(found)).toEqual([]);
  });

  test('no cause speaks for less than a fifth', () => {
    expect(blamedForLittle(found, mix)).toEqual([]);
  });

  test('state, verdict and headline agree', () => {
    expect(disagreements(found)).toEqual([]);
  });

  test('no proposal makes the counted budget worse, or is for somebody who does well', () => {
    expect(found.proposals.filter((proposal) => isHarmful(proposal, found, mix))).toEqual([]);
  });
});

function blamedForLittle({ causes, pools, findings }: Diagnosis, mix: Mix): unknown[] {
  const live = held(
    mix,
    behaviours.filter((one) => one !== 'dead pool'),
  );
  const dry = pools.filter(({ utilisation }) => (utilisation ?? 0) >= 0.9);
  const out = dry.reduce((total, pool) => total + pool.checkedOut, 0);
  // Where a pool is used up, its own connections are the measure.
  const all = out > 0 ? Math.min(live, out) : live;
  const isCalm = findings.every(({ id }) => !id.startsWith('capacity-'));
  return causes.filter(({ cause, summary, against }) => {
    const isOwn = /holds connections that|waits for itself/.test(summary);
    const of = speaksFor[cause];
    if (of === undefined || isOwn || (cause === 'lock-contention' && isCalm)) return false;
    const share = held(mix, of) / Math.max(1, all);
    return share < 0.19 || (share < 0.45 && against.length === 0);
  });
}

function disagreements({ causes, state, verdict, headline, findings }: Diagnosis): string[] {
  const critical = findings.filter(({ severity }) => severity === 'critical');
  const bySlots = critical.length === 0 || critical.some(({ id }) => id === 'capacity-critical');
  return [
    ...(causes.length > 0 && state === 'fine' ? ['a cause beside fine'] : []),
    ...(state === 'fine' && verdict !== 'Nothing is wrong.' ? [verdict] : []),
    ...(!bySlots && /^\d+ of \d+ usable connections\.$/.test(headline) ? [headline] : []),
  ];
}

function isHarmful(
  { option, subject, summary, slotsFreed }: Proposal,
  { budget, causes, capacity }: Diagnosis,
  mix: Mix,
): boolean {
  if ((slotsFreed ?? 0) < 0) return true;
  if (option === 'B') return causes.some(({ cause }) => cause === 'connection-leak');
  if (option === 'C') {
    const mine = mix.parts.filter(({ service }) => service === subject);
    return mine.every(({ behaviour }) => behaviour === 'working');
  }
  const [, size = '', overflow = ''] = /=(\d+) and \w+=(\d+)/.exec(summary) ?? [];
  if (option !== 'E' || size === '') return false;
  const line = budget.lines.find(({ service }) => service === subject);
  const before = Number(line?.mayOpen ?? 0);
  const after = (Number(size) + Number(overflow)) * (line?.replicas ?? 1) * (line?.workers ?? 1);
  const total = Number(budget.mayOpen ?? 0);
  if ((capacity?.utilisation ?? 0) >= 0.8) return after >= before;
  return total - before + after > Math.max(total, budget.usable ?? 0);
}

const healthy = ['working', 'thinking', 'idle by design'] as const satisfies readonly Behaviour[];

function healthyMix(seed: number): Mix {
  const seeded = createSeeded(seed * 7);
  const usable = seeded.pick([37, 97, 197, 497]);
  const used = Math.floor((usable * seeded.between(10, 96)) / 100);
  const services = seeded.between(2, 4);
  const parts = Array.from({ length: services }, (_, at): Part => ({
    behaviour: seeded.pick(healthy),
    many: Math.max(1, Math.floor(used / services)),
    service: `service${'abcd'[at] ?? ''}`,
    hasMetrics: false,
    fits: true,
  }));
  return mixOf(seed, usable, parts);
}

test('200 looks at healthy loads raise no alarm but that of the slots', () => {
  const alarms = Array.from({ length: 200 }, (_, index) => healthyMix(index + 1)).flatMap((mix) => {
    const { causes, findings, state } = diagnose(mix.input);
    const loud = findings.filter(({ severity }) => severity !== 'info').map(({ id }) => id);
    const isFalse =
      causes.length > 0 ||
      loud.some((id) => !id.startsWith('capacity-')) ||
      (loud.length === 0 && state !== 'fine');
    return isFalse ? [{ parts: mix.parts, usable: mix.usable, causes, loud, state }] : [];
  });
  expect(alarms).toEqual([]);
});
