import type { Logger } from 'pino';
import { PagerRefused } from '../runbook/escalation/pager.ts';
import type { Pager } from '../runbook/escalation/pager.ts';

/** Several pagers as one. All are told at the same time; it counts as taken when one of them took it. */
export function createPagers(pagers: readonly Pager[], log: Pick<Logger, 'error'>): Pager {
  const tell = async (call: (pager: Pager) => Promise<void>): Promise<void> => {
    const told = await Promise.allSettled(pagers.map(call));
    const refused = told.flatMap((one): unknown[] =>
      one.status === 'rejected' ? [one.reason] : [],
    );
    if (refused.length === pagers.length) throw together(refused);
    for (const err of refused) log.error({ err }, 'One of several pagers did not take a call');
  };
  return {
    name: pagers.map(({ name }) => name).join(' and '),
    page: (page) => tell((pager) => pager.page(page)),
    tellChange: (change) => tell((pager) => pager.tellChange(change)),
  };
}

function together(errors: readonly unknown[]): unknown {
  const refusals = errors.filter((error) => error instanceof PagerRefused);
  // Anything else is a fault of ours, and must not be taken for a refusal.
  if (refusals.length < errors.length) return new AggregateError(errors, 'A pager broke.');
  const message = refusals.map(({ message }) => message).join(' ');
  return new PagerRefused(
    message,
    refusals.some(({ mayPass }) => mayPass),
  );
}
