import { count, percent, sum } from '../../snapshot/words.ts';
import type { Overlap } from '../deploys.ts';
import type { Cause } from '../diagnosis.ts';
import { indicator, scoreCause, suspicious } from './cause-input.ts';
import type { CauseInput, Holder, Indicator } from './cause-input.ts';

/** Fewer are no crowd: then it is the size of their pools. */
const leastProcesses = 3;
/** A single pool of more than this share of the slots is too large, however many there are. */
const largestShare = 0.35;
const justStartedMs = 15 * 60_000;

/** Many processes, each within a modest pool, and all of them together more than the server has. */
export function judgeApplicationScaling(input: CauseInput): Cause[] {
  const { pressure, used, usable, unused, holders, detail } = input;
  // What takes far longer than usual needs more connections, and would take those of any pool.
  if (pressure === 'none' || usable === null || input.dragging !== undefined) return [];
  const openers = holders.filter(({ holds, perProcess }) => holds > 0 || perProcess !== null);
  const processes = sum(openers.map((holder) => holder.processes));
  if (input.evidence.strangers !== null || input.evidence.abandoned !== null) return [];
  const overlap = findDeploy(input);
  if (overlap !== undefined) return duringDeploy(overlap, input);
  if (processes < leastProcesses || openers.some((holder) => isHuge(holder, usable))) return [];
  // A busy server near its limit refuses nobody and holds nothing unused: that is load, not a cause.
  if (pressure === 'warning' && unused < used * 0.5) return [];
  return scoreCause(
    'application-scaling',
    `${processes} processes with a pool each need more than ${usable} usable connections.`,
    [
      { weight: 0.2, sentence: `${processes} processes share the slots; none holds many.` },
      ...fromBudget(input),
      ...fromSize(openers, usable),
      ...(detail === 'sessions' ? fromSessions(input) : []),
      ...indicator(isFresh(input), 0.1, 'Many of them started in the last minutes.'),
      ...indicator(input.refused, 0.05, 'Connections are being refused.'),
    ],
  );
}

/** A service that holds less than this share is not why the server is full. */
const leastShare = 0.2;

/** The service with old and new replicas at once, when it holds enough of the slots to matter. */
function findDeploy({ evidence, holders, used }: CauseInput): Overlap | undefined {
  return evidence.overlaps.find(
    ({ service, certain }) =>
      certain && holders.some((one) => one.service === service && one.holds >= used * leastShare),
  );
}

/** However few and large: each of them has its pool twice until the deploy ends. */
function duringDeploy({ service, older, newer }: Overlap, input: CauseInput): Cause[] {
  const { holders, used, usable, detail, evidence } = input;
  const holds = holders.find((one) => one.service === service)?.holds ?? 0;
  const without = used - Math.round((holds * older.length) / (older.length + newer.length));
  const fits = without < (usable ?? 0) * evidence.target.limits.warningUtilisation;
  return scoreCause(
    'application-scaling',
    `Old and new replicas of ${service} run at the same time during a deploy.`,
    [
      {
        weight: 0.4,
        sentence: `${count(older.length, 'old replica')} and ${count(newer.length, 'new replica')} of ${service} hold ${holds} of ${used} connections.`,
      },
      ...indicator(fits, 0.2, `Without the old ones, about ${without} would be in use.`),
      ...indicator(!fits, -0.1, `Without the old ones, about ${without} would still be in use.`),
      ...fromBudget(input),
      ...(detail === 'sessions' ? fromSessions(input) : []),
      ...indicator(input.refused, 0.05, 'Connections are being refused.'),
    ],
  );
}

function isHuge({ perProcess, holds, processes }: Holder, usable: number): boolean {
  const share = perProcess ?? holds / Math.max(1, processes);
  return share === 'unlimited' || share > usable * largestShare;
}

function fromBudget({ evidence }: CauseInput): Indicator[] {
  const { canExhaust, mayOpen, usable } = evidence.budget;
  if (canExhaust === null) {
    return [{ weight: 0, sentence: 'The total that all pools may open is unknown.' }];
  }
  return canExhaust
    ? [
        {
          weight: 0.25,
          sentence:
            typeof mayOpen === 'number'
              ? `Together they may open ${mayOpen} connections; ${usable ?? 0} are usable.`
              : 'Together they may open any number of connections.',
        },
      ]
    : [
        {
          weight: -0.4,
          sentence: `Together they may open only ${mayOpen ?? 0} of ${usable ?? 0} connections.`,
        },
      ];
}

function fromSize(openers: readonly Holder[], usable: number): Indicator[] {
  const known = openers
    .map(({ perProcess }) => perProcess)
    .filter((one) => typeof one === 'number');
  const largest = Math.max(0, ...known);
  return indicator(
    known.length > 0 && largest <= usable * 0.2,
    0.15,
    `No single process may open more than ${Math.ceil(largest)}.`,
  );
}

function fromSessions(input: CauseInput): Indicator[] {
  const { used, unused } = input;
  const odd = suspicious(input);
  const share = odd / Math.max(1, used);
  return [
    ...indicator(share < 0.2, 0.1, 'Almost no session is slow, blocked or forgotten.'),
    ...indicator(
      share >= 0.2,
      -0.3,
      `${count(odd, 'session is', 'sessions are')} slow, blocked or forgotten.`,
    ),
    ...indicator(
      unused >= used * 0.5,
      0.1,
      `${percent(unused / Math.max(1, used))} of the connections are open and unused.`,
    ),
  ];
}

function isFresh({ evidence, used }: CauseInput): boolean {
  const recent = evidence.reading?.counts.newIn300s ?? 0;
  const taken = Date.parse(evidence.snapshot.takenAt);
  const replicas = evidence.services.flatMap((service) => service.replicas);
  const fresh = replicas.filter(
    ({ startedAt }) => startedAt !== null && taken - Date.parse(startedAt) < justStartedMs,
  );
  const scaledUp = fresh.length >= leastProcesses && fresh.length >= replicas.length / 2;
  return scaledUp || (used > 0 && recent >= used / 2);
}
