import { gatherEvidence } from '../../diagnose/evidence.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Target } from '../../snapshot/target.ts';
import type { PlanDraft } from '../plan.ts';
import { count } from '../../snapshot/wording.ts';
import { countOfService } from './service-sessions.ts';

/** What a restart of this service frees, and what it costs others where it is a pooler. */
export function effectOf(
  snapshot: Snapshot,
  target: Target,
  name: string,
): Pick<PlanDraft, 'frees'> & { readonly cost: readonly string[] } {
  const { poolers, behindPoolers } = gatherEvidence({ snapshot: snapshot, target, recent: [] });
  const pooler = poolers.find((one) => one.name === name);
  if (pooler === undefined && behindPoolers.has(name)) {
    const sentence =
      'It connects through a pooler, which keeps its connections to PostgreSQL: how many slots this frees is not known.';
    return { cost: [], frees: { slots: null, sentence } };
  }
  const clients = pooler === undefined ? '' : count(pooler.reading.clients, 'client');
  const slots = countOfService(snapshot, target, name);
  return {
    cost: pooler === undefined ? [] : [`It is a pooler: its ${clients} are disconnected.`],
    frees: {
      slots,
      sentence:
        slots === null
          ? 'How many slots this frees could not be read.'
          : `Frees up to ${count(slots, 'slot')}, and its pools open what they need again.`,
    },
  };
}
