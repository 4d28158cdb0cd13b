import { fitTogether } from '../../diagnose/pool-sizes.ts';
import type { AdviceInput } from '../advice/ground.ts';
import { advisePools, nameSizes, numberOrEndless } from '../advice/pools.ts';
import type { PreventionCheck } from '../prevention.ts';

type Line = AdviceInput['budget']['lines'][number];

/** Whether the pools of all services together fit into the server, a line for each service. */
export function checkPools(input: AdviceInput): PreventionCheck[] {
  const { budget } = input;
  const advised = advisePools(input);
  const fits = fitTogether(budget);
  return budget.lines.map((line): PreventionCheck => {
    const setting = nameSizes(input, line.service);
    const advice = advised.find((one) => one.setting === setting);
    if (advice !== undefined) return { part: 'application', state: 'advice', ...advice };
    const now = nowOf(line);
    const base = { part: 'application', setting, now, better: '5 + 10' } as const;
    if (line.mayOpen === null || fits === null) {
      return { ...base, state: 'unknown', because: whyUnknown(line) };
    }
    if (fits === 'too-many') {
      const because = 'No numbers make so many processes fit: see PgBouncer below.';
      return { ...base, state: 'advice', better: '1 + 0', because };
    }
    const together = `It may open ${numberOrEndless(line.mayOpen)}`;
    const because = `${together}, and all services together fit into ${budget.usable ?? '?'} usable connections.`;
    return { ...base, state: 'ok', better: now ?? base.better, because };
  });
}

function nowOf({ poolSize, maxOverflow }: Line): string | null {
  return poolSize === null || maxOverflow === null ? null : `${poolSize} + ${maxOverflow}`;
}

function whyUnknown({ service, mayOpen }: Line): string {
  return mayOpen === null
    ? `Neither its containers nor its metrics show them: set poolSize and maxOverflow of ${service} in dbconn.yml.`
    : 'How many connections PostgreSQL has could not be read.';
}
