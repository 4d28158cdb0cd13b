import type { DoorPorts } from './door-ports.ts';
import { expire, isOverdue } from './find-open.ts';
import type { Request } from './request.ts';

/** Expires every request whose time is over, and returns them. */
export async function sweep(ports: DoorPorts): Promise<readonly Request[]> {
  const swept: Request[] = [];
  for (const request of await ports.journal.list(['proposed', 'handed'])) {
    const expired = (await isOverdue(ports, request)) ? await expire(ports, request) : undefined;
    if (expired !== undefined) swept.push(expired);
  }
  return swept;
}
