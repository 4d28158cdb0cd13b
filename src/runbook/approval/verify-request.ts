import { aimOf, countFor, judgeReport, judgeSightings } from '../verify/aim.ts';
import { findRefill, readHoldings } from '../verify/refill.ts';
import type { Sighting } from '../verify/refill.ts';
import { judgeOutcome, readFullness } from '../verify/verify.ts';
import type { Fullness, Outcome } from '../verify/verify.ts';
import { hearWitnesses, readSeen } from '../verify/witnesses.ts';
import type { Seen } from '../verify/witnesses.ts';
import type { Report } from '../remedies/report.ts';
import type { Plan } from '../remedies/plan.ts';
import type { Request } from './request.ts';
import { readAge } from './cooldown.ts';
import { executionOf } from './execute.ts';
import { mustMove } from './site.ts';
import type { Site } from './site.ts';

/** Enough to tell a pool that came back at once from one that leaks. */
const mostLooks = 6;
/** A look takes up to 4 s where the server is in trouble. */
const leastPauseMs = 2000;

interface Look extends Sighting {
  readonly fullness: Fullness;
  readonly aimedAt: number | null;
  readonly seen: Seen;
}

/**
 * Looks several times until the time to verify is over, and ends the request with what came of it. Taken over from
 * another process, it goes on with the looks that are still due. Rejects when `site.signal` aborts.
 */
export async function verifyRequest(ran: Request, site: Site): Promise<Request> {
  const { execution, result } = ran;
  if (execution === null || result === null) {
    throw new Error('A request cannot be verified before it ran.');
  }
  const looks: Look[] = [];
  for (const dueMs of looksDue(site.verifyAfterMs)) {
    const isLast = dueMs === site.verifyAfterMs;
    const waitMs = dueMs - (await readAge(site, ran, result.endedAt));
    if (waitMs < 0 && !isLast) continue;
    await site.clock.sleep(Math.max(0, waitMs), site.signal);
    looks.push(await takeLook(ran, site, result.endedAt));
  }
  const outcome = heed(result.report, judge(ran, looks, site));
  return mustMove(ran, site, { state: 'done', change: { result: { ...result, outcome } } });
}

/** Free slots do not make it fixed while what freed them lies half done, such as a service that does not start. */
function heed({ finished }: Report, outcome: Outcome): Outcome {
  return outcome.word === 'fixed' && !finished ? { ...outcome, word: 'partly' } : outcome;
}

function judge(ran: Request, looks: readonly Look[], site: Site): Outcome {
  const { result } = ran;
  const execution = executionOf(ran);
  const last = looks.at(-1);
  const seen = { later: last?.fullness ?? null, laterAfterMs: last?.afterMs ?? 0 };
  if (aimOf(ran.plan.ask) === 'as-planned') {
    const { before, after } = execution;
    const { items, finished } = result?.report ?? { items: [], finished: false };
    return { ...judgeReport({ items, finished }), before, after, later: seen.later };
  }
  const { later, laterAfterMs } = seen;
  return hearWitnesses(judgeAim(ran, looks, site), {
    before: execution.witnesses ?? { pools: [], waits: null },
    looks: looks.map((look) => look.seen),
    settledAt: settledAt(result, laterAfterMs),
    service: serviceOf(ran.plan),
    hasRoom:
      later !== null && later !== 'full' && later.used < later.usable * site.warningUtilisation,
  });
}

/** By the one figure the change is to move. */
function judgeAim(ran: Request, looks: readonly Look[], site: Site): Outcome {
  const { before, after, holdings, aimedAt } = executionOf(ran);
  const last = looks.at(-1);
  const seen = { later: last?.fullness ?? null, laterAfterMs: last?.afterMs ?? 0 };
  const aim = aimOf(ran.plan.ask);
  if (aim === 'waiters' || aim === 'slow-statements') {
    const figures = aimedAt ?? { before: null, after: null };
    const sightings = { ...figures, later: last?.aimedAt ?? null, laterAfterMs: seen.laterAfterMs };
    return { ...judgeSightings(aim, sightings), before, after, later: seen.later };
  }
  return judgeOutcome({
    ...seen,
    before,
    after,
    warningUtilisation: site.warningUtilisation,
    refill: findRefill({ ...(holdings ?? { before: [], after: [] }), looks }),
    allowed: connectionsAllowed(ran.plan),
  });
}

/** After two thirds of the time a request that waited since before the change has long given up. */
function settledAt(result: Request['result'], laterAfterMs: number): string {
  const endedAtMs = Date.parse(result?.endedAt ?? '');
  return new Date(endedAtMs + (laterAfterMs * 2) / 3).toISOString();
}

/** Whose pools the change is for. */
function serviceOf({ ask }: Plan): string | null {
  return ask.kind === 'restart' || ask.kind === 'resize-pool' ? ask.service : null;
}

/** How many more connections a resized pool may open than before; none where nobody knows what it was. */
function connectionsAllowed({ targets }: Plan): number {
  const pools = targets.filter((target) => target.kind === 'pool');
  const growths = pools.map(({ from, to, processes }) => {
    if (from === null) return 0;
    const each = to.poolSize + to.maxOverflow - (from.poolSize + from.maxOverflow);
    return Math.max(0, each) * processes;
  });
  return growths.reduce((sum, growth) => sum + growth, 0);
}

/** Moments since the change ended, evenly spaced; the last one is the end of the time. */
function looksDue(verifyAfterMs: number): number[] {
  const looks = Math.min(mostLooks, Math.max(1, Math.floor(verifyAfterMs / leastPauseMs)));
  return Array.from({ length: looks }, (_, index) => (verifyAfterMs * (index + 1)) / looks);
}

async function takeLook(ran: Request, site: Site, endedAt: string): Promise<Look> {
  const { id, plan } = ran;
  const snapshot = await site.look();
  const afterMs = await readAge(site, ran, endedAt);
  const fullness = readFullness(snapshot);
  await site.journal.record({ request: id, kind: 'looked', body: { afterMs, fullness } });
  const aimedAt = countFor(aimOf(plan.ask), snapshot);
  return {
    afterMs,
    fullness,
    aimedAt,
    holdings: readHoldings(snapshot),
    seen: readSeen(snapshot),
  };
}
