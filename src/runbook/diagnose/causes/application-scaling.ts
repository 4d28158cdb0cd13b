import type { Cause } from '../diagnosis.ts';
import type { Overlap } from '../deploy-overlap.ts';
import { count, percent, sum } from '../words.ts';
import { suspicious } from './picture.ts';
import type { Holder, Picture } from './picture.ts';
import { sign, weigh } from './weigh.ts';
import type { Sign } from './weigh.ts';

/** Fewer are no crowd: then it is the size of their pools. */
const leastProcesses = 3;
/** A single pool of more than this share of the slots is too large, however many there are. */
const largestShare = 0.35;
const justStartedMs = 15 * 60_000;

/** Many processes, each within a modest pool, and all of them together more than the server has. */
export function judgeApplicationScaling(picture: Picture): Cause[] {
  const { pressure, used, usable, unused, holders, sight } = picture;
  // What takes far longer than usual needs more connections, and would take those of any pool.
  if (pressure === 'none' || usable === null || picture.dragging !== undefined) return [];
  const crowd = holders.filter(({ holds, perProcess }) => holds > 0 || perProcess !== null);
  const processes = sum(crowd.map((holder) => holder.processes));
  if (picture.evidence.strangers !== null || picture.evidence.abandoned !== null) return [];
  const overlap = findDeploy(picture);
  if (overlap !== undefined) return duringDeploy(overlap, picture);
  if (processes < leastProcesses || crowd.some((holder) => isHuge(holder, usable))) return [];
  // A busy server near its limit refuses nobody and holds nothing unused: that is load, not a cause.
  if (pressure === 'warning' && unused < used * 0.5) return [];
  return weigh(
    'application-scaling',
    `${processes} processes with a pool each are more than ${usable} usable connections bear.`,
    [
      { weight: 0.2, say: `${processes} processes share the slots, none of them holds many.` },
      ...fromBudget(picture),
      ...fromSize(crowd, usable),
      ...(sight === 'sessions' ? fromSessions(picture) : []),
      ...sign(isFresh(picture), 0.1, 'Much of it started in the last minutes.'),
      ...sign(picture.refused, 0.05, 'Connections are being refused.'),
    ],
  );
}

/** A service that holds less than this share is not why the server is full. */
const leastShare = 0.2;

/** The service with old and new replicas at once, when it holds enough of the slots to matter. */
function findDeploy({ evidence, holders, used }: Picture): Overlap | undefined {
  return evidence.overlaps.find(
    ({ service, certain }) =>
      certain && holders.some((one) => one.service === service && one.holds >= used * leastShare),
  );
}

/** However few and large: each of them has its pool twice until the deploy ends. */
function duringDeploy({ service, older, newer }: Overlap, picture: Picture): Cause[] {
  const { holders, used, usable, sight, evidence } = picture;
  const holds = holders.find((one) => one.service === service)?.holds ?? 0;
  const without = used - Math.round((holds * older.length) / (older.length + newer.length));
  const fits = without < (usable ?? 0) * evidence.target.limits.warningUtilisation;
  return weigh(
    'application-scaling',
    `Old and new replicas of ${service} run at once, for the length of a deploy.`,
    [
      {
        weight: 0.4,
        say: `${older.length} old and ${newer.length} new replicas of ${service} hold ${holds} of ${used} connections.`,
      },
      ...sign(fits, 0.2, `Without the old ones about ${without} would be taken.`),
      ...sign(!fits, -0.1, `Without the old ones about ${without} would be taken still.`),
      ...fromBudget(picture),
      ...(sight === 'sessions' ? fromSessions(picture) : []),
      ...sign(picture.refused, 0.05, 'Connections are being refused.'),
    ],
  );
}

function isHuge({ perProcess, holds, processes }: Holder, usable: number): boolean {
  const share = perProcess ?? holds / Math.max(1, processes);
  return share === 'unlimited' || share > usable * largestShare;
}

function fromBudget({ evidence }: Picture): Sign[] {
  const { canExhaust, mayOpen, usable } = evidence.budget;
  if (canExhaust === null) {
    return [{ weight: 0, say: 'What all pools together may open is not known.' }];
  }
  return canExhaust
    ? [
        {
          weight: 0.25,
          say: `Together they may open ${mayOpen ?? 'more than the'} of ${usable ?? 0} slots.`,
        },
      ]
    : [
        {
          weight: -0.4,
          say: `Together they may open only ${mayOpen ?? 0} of ${usable ?? 0} slots.`,
        },
      ];
}

function fromSize(crowd: readonly Holder[], usable: number): Sign[] {
  const known = crowd.map(({ perProcess }) => perProcess).filter((one) => typeof one === 'number');
  const largest = Math.max(0, ...known);
  return sign(
    known.length > 0 && largest <= usable * 0.2,
    0.15,
    `No process may open more than ${Math.ceil(largest)} by itself.`,
  );
}

function fromSessions(picture: Picture): Sign[] {
  const { used, unused } = picture;
  const odd = suspicious(picture);
  const share = odd / Math.max(1, used);
  return [
    ...sign(share < 0.2, 0.1, 'Hardly any session is slow, blocked or forgotten.'),
    ...sign(
      share >= 0.2,
      -0.3,
      `${count(odd, 'session is', 'sessions are')} slow, blocked or forgotten.`,
    ),
    ...sign(
      unused >= used * 0.5,
      0.1,
      `${percent(unused / Math.max(1, used))} of the connections are open and unused.`,
    ),
  ];
}

function isFresh({ evidence, used }: Picture): boolean {
  const recent = evidence.reading?.counts.newIn300s ?? 0;
  const taken = Date.parse(evidence.snapshot.takenAt);
  const replicas = evidence.services.flatMap((service) => service.replicas);
  const fresh = replicas.filter(
    ({ startedAt }) => startedAt !== null && taken - Date.parse(startedAt) < justStartedMs,
  );
  const scaledUp = fresh.length >= leastProcesses && fresh.length >= replicas.length / 2;
  return scaledUp || (used > 0 && recent >= used / 2);
}
