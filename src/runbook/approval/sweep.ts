import type { DoorPorts } from './door-ports.ts';
import { expire } from './find-open.ts';
import { isExpired } from './request.ts';
import type { Request } from './request.ts';

/** Expires every request whose time is over, and returns them. */
export async function sweep(ports: DoorPorts): Promise<readonly Request[]> {
  const now = ports.clock.now();
  const swept: Request[] = [];
  for (const request of await ports.journal.list(['proposed'])) {
    const expired = isExpired(request, now) ? await expire(ports, request) : undefined;
    if (expired !== undefined) swept.push(expired);
  }
  return swept;
}
