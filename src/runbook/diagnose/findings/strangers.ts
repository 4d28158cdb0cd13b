import type { Finding } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';
import { pressureOf } from '../pressure.ts';
import { describeStrangers } from '../strangers.ts';
import { quoteIdentifier, sum } from '../../snapshot/words.ts';

const mostNamed = 5;

/** Who holds the slots and is no configured service, when that is most of them and slots are short. */
export function findStrangersIn({ strangers, capacity, target }: Evidence): Finding[] {
  if (strangers === null || capacity === null) return [];
  if (pressureOf(capacity, target.limits) === 'none') return [];
  const { holds, sources, victims, limit } = strangers;
  const groups = Map.groupBy(sources, ({ user, application }) =>
    [`role ${quoteIdentifier(user ?? '')}`, application === '' ? 'no name' : application].join(
      ', ',
    ),
  );
  const named = [...groups]
    .map(([who, held]) => ({ who, held: sum(held.map(({ total }) => total)) }))
    .toSorted((a, b) => b.held - a.held);
  return [
    {
      id: 'strangers',
      severity: 'warning',
      summary: `${describeStrangers(strangers, capacity.used)} ${squeezed(victims)}`.trim(),
      figure: { value: holds, unit: 'connections', limit: capacity.usable },
      evidence: named.slice(0, mostNamed).map(({ who, held }) => `${who}: ${held}.`),
      fix:
        limit === undefined
          ? 'Give them a role of their own that is no superuser, with a CONNECTION LIMIT. If they are a service, add it under services. Shrink no other pool for them.'
          : `ALTER ROLE ${quoteIdentifier(limit.role)} CONNECTION LIMIT ${limit.to}; sessions that exist stay until they end. If they are a service, add it under services.`,
    },
  ];
}

function squeezed(victims: readonly string[]): string {
  return victims.length === 0 ? '' : `${victims.slice(0, 3).join(', ')} is squeezed out.`;
}
