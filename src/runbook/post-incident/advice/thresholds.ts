import { durationOfSeconds, percent } from '../../snapshot/words.ts';
import type { Limits } from '../../snapshot/target.ts';
import type { Advice, IncidentReport } from '../report.ts';

/** Whoever is called needs about this long to be at the keyboard. */
const noticeNeededMs = 5 * 60_000;
const candidates = [0.8, 0.7, 0.6];

/**
 * A warning line that would have given more notice. Only where the looks before the opening show when that line was
 * passed for good; the highest line that gives five minutes is advised.
 */
export function adviseThresholds(
  graph: IncidentReport['graph'],
  openedAt: string,
  limits: Limits,
): Advice[] {
  const opened = Date.parse(openedAt);
  const full = graph.find(({ used, usable }) => used >= usable * limits.criticalUtilisation);
  if (full === undefined) return [];
  const critical = Date.parse(full.at);
  const noticeMs =
    critical - Math.min(opened, passedAt(graph, limits.warningUtilisation) ?? opened);
  if (noticeMs >= noticeNeededMs) return [];
  const better = candidates
    .filter((share) => share < limits.warningUtilisation)
    .map((share) => ({ share, passed: passedAt(graph, share) }))
    .find(({ passed }) => passed !== undefined && critical - passed >= noticeNeededMs);
  if (better?.passed === undefined) return [];
  const earlier = durationOfSeconds((critical - better.passed) / 1000);
  return [
    {
      setting: 'limits.warningUtilisation and the alert’s threshold',
      now: percent(limits.warningUtilisation),
      better: percent(better.share),
      because: `${percent(better.share)} was passed ${earlier} before it was critical, ${percent(limits.warningUtilisation)} only ${durationOfSeconds(Math.max(0, noticeMs) / 1000)} before.`,
    },
  ];
}

/** When used slots rose over that share and stayed over it until the fullest look; undefined where that was before the first look. */
function passedAt(graph: IncidentReport['graph'], share: number): number | undefined {
  const most = Math.max(...graph.map(({ used }) => used));
  const upTo = graph.slice(0, graph.findIndex(({ used }) => used === most) + 1);
  const below = upTo.findLastIndex(({ used, usable }) => used < usable * share);
  const next = upTo[below + 1];
  return below === -1 || next === undefined ? undefined : Date.parse(next.at);
}
