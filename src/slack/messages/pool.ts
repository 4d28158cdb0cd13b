import type { Budget, Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import { inEach } from '../../runbook/diagnose/pool-sizes.ts';
import { count } from '../../runbook/snapshot/words.ts';
import { poolersList, poolsList } from './diagnosis-parts.ts';
import { framed } from './frame.ts';
import type { View } from './frame.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import { titledList, rich } from './kit/rich-text.ts';
import { table } from './kit/table.ts';

/** The applications' pools, and the budget: who may open how many. */
export function poolMessage(view: View): Message {
  const { diagnosis } = view;
  const { budget, pools } = diagnosis;
  const read =
    pools.length === 0
      ? 'No pool was read: dbconn checked the metrics of the services. /dbconn doctor shows how to add them.'
      : `${count(pools.length, 'pool')} read.`;
  const summary = `${read} ${budgetSentence(budget)}`;
  return framed(view, { lead: 'Pools of', summary }, [
    ...poolersList(diagnosis, 15),
    ...poolsList(diagnosis, 15),
    ...budgetTable(diagnosis),
    ...settingsList(diagnosis),
  ]);
}

/** Says who may open how many in a sentence. */
function budgetSentence({ lines, mayOpen, usable, canExhaust, poolers = [] }: Budget): string {
  if (lines.length === 0 && poolers.length === 0)
    return 'No service is configured, so the total that they may open is unknown.';
  if (mayOpen === null || usable === null) {
    return 'The total that all services may open is unknown: a number is missing below.';
  }
  if (mayOpen === 'unlimited') return 'A service may open any number of connections.';
  const all = `All services together may open ${mayOpen} connections; ${usable} are usable`;
  return canExhaust === true ? `${all}. They can exhaust the server.` : `${all}.`;
}

/** A pooler has limits of its own, which are not a service's pool numbers. */
function budgetTable({ budget }: Diagnosis): MessageBlock[] {
  const services = budget.lines.map((line) => ({
    ...line,
    size: inEach(line, 'poolSize') ?? 'unknown',
    overflow: overflowCell(inEach(line, 'maxOverflow')),
  }));
  const poolers = (budget.poolers ?? []).map((one) => {
    return { ...one, service: one.name, workers: null, size: null, overflow: null };
  });
  return table({
    columns: [
      { title: 'Service', value: ({ service }) => service },
      { title: 'Replicas', value: ({ replicas }) => replicas },
      { title: 'Workers', value: ({ workers }) => workers },
      { title: 'Pool size', value: ({ size }) => size },
      { title: 'Overflow', value: ({ overflow }) => overflow },
      { title: 'May open', value: ({ mayOpen }) => mayOpen ?? 'unknown' },
      { title: 'Holds now', value: ({ holds }) => holds },
    ],
    rows: [...services, ...poolers],
    atMost: 30,
    noun: 'services',
  });
}

/** What the containers' environment says of the pools and should not. */
function settingsList({ findings }: Diagnosis): MessageBlock[] {
  const points = findings
    .filter(({ id }) => /^(pool-settings?-|idle-session-timeout-)/.test(id))
    .map(({ summary, fix = '' }) => rich`${summary} ${fix}`);
  return titledList('Settings', points);
}

/** SQLAlchemy's -1 is no number of connections but the absence of a limit. */
function overflowCell(maxOverflow: number | string | null): string | number {
  if (maxOverflow === null) return 'unknown';
  return maxOverflow === -1 ? 'unlimited' : maxOverflow;
}
