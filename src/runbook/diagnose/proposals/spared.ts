import { skipByName } from '../../remedies/protected-names.ts';
import { toSkipGuard } from '../../remedies/spare-guard.ts';
import type { Source } from '../diagnosis.ts';
import type { Evidence } from '../evidence.ts';

/**
 * Whether option A's plan spares these sessions, as `postgres/spare-reason.ts` does: what a proposal counts, its plan
 * has to find. An application's superuser is no such case: why it cannot be ended is said in its place.
 */
export function isProtected(
  { application, kind, user, service }: Source,
  { target, reading }: Pick<Evidence, 'target' | 'reading'>,
): boolean {
  const isSuperuser = reading?.superuserRoles.some(({ name }) => name === user) ?? false;
  return (
    kind === 'own' ||
    skipByName(application, toSkipGuard(target)) !== null ||
    (isSuperuser && service === null && !target.applicationRoles.includes(user ?? ''))
  );
}
