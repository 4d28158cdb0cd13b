import type { ApprovalDeps } from './door-ports.ts';
import { expire, isOverdue } from './find-open.ts';
import { JournalTampered } from './journal-tampered.ts';
import type { ApprovalRequest } from './request.ts';

/** Expires every request whose time is over, and returns them. */
export async function sweep(ports: ApprovalDeps): Promise<readonly ApprovalRequest[]> {
  const swept: ApprovalRequest[] = [];
  for (const request of await ports.journal.list(['proposed', 'handed'])) {
    try {
      const expired = (await isOverdue(ports, request)) ? await expire(ports, request) : undefined;
      if (expired !== undefined) swept.push(expired);
    } catch (error) {
      // It stops its own target, and the watch on the journal says so; all others have their time as before.
      if (!(error instanceof JournalTampered)) throw error;
    }
  }
  return swept;
}
