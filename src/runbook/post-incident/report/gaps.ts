import { durationOfSeconds, count } from '../../snapshot/words.ts';
import type { Incident } from '../../incident/incident.ts';
import type { IncidentReport } from '../report.ts';

interface GapTraces {
  readonly incident: Incident;
  readonly graph: IncidentReport['graph'];
  readonly checks: number;
  readonly unreadable: number;
  readonly trimmed: number;
}

/** Longer than this between two looks, nobody knows what happened. */
const longestSilenceMs = 2 * 60_000;

/** What dbconn cannot tell of an incident: said, so that nobody takes silence for calm. */
export function findGaps(traces: GapTraces): string[] {
  const { incident, graph, checks, unreadable, trimmed } = traces;
  const opened = Date.parse(incident.openedAt);
  const closed = incident.closing === null ? opened : Date.parse(incident.closing.at);
  const times = graph.map(({ at }) => Date.parse(at));
  const [first] = times;
  const during = [opened, ...times.filter((time) => time > opened && time < closed), closed];
  const silences = during
    .map((time, index) => time - (during[index - 1] ?? time))
    .filter((ms) => ms > longestSilenceMs);
  return [
    ...(first === undefined
      ? ['No look saw how full PostgreSQL was.']
      : first > opened
        ? ['dbconn did not look before it opened, so when it really began is not known.']
        : []),
    ...(silences.length > 0 && first !== undefined
      ? [
          `Up to ${durationOfSeconds(Math.max(...silences) / 1000)} lie between two figures: nothing changed enough to be kept then, or nothing was seen.`,
        ]
      : []),
    ...(checks === 0
      ? [
          'No look was kept whole, so the evidence for the cause and what would have prevented it are missing.',
        ]
      : []),
    ...(trimmed > 0
      ? [
          `${count(trimmed, 'kept look')} had more sessions than the journal keeps: counts of forgotten transactions are lower bounds.`,
        ]
      : []),
    ...(unreadable > 0
      ? [`${count(unreadable, 'kept look')} cannot be read by this version of dbconn.`]
      : []),
  ];
}
