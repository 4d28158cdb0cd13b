import type { Limits } from '../snapshot/target.ts';
import type { Capacity } from './diagnosis.ts';

export type Pressure = 'none' | 'warning' | 'critical';

/**
 * How near the server is to refusing. By share, and critical too when fewer slots are free than the limit says;
 * on a small server that limit shrinks to a tenth of the slots, else 20 slots would be critical at 16 used.
 */
export function pressureOf(capacity: Capacity | null, limits: Limits): Pressure {
  if (capacity === null) return 'none';
  const { utilisation, free, usable } = capacity;
  const leastFree = Math.min(limits.criticalFreeSlots, usable * 0.1);
  if (utilisation >= limits.criticalUtilisation || free < leastFree) return 'critical';
  return utilisation >= limits.warningUtilisation ? 'warning' : 'none';
}
