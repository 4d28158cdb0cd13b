import type { DoorPorts } from './door-ports.ts';
import { execute, verifyLater } from './execute.ts';
import { isoNow } from './iso-now.ts';
import type { Site } from './site.ts';
import { propose } from './propose.ts';
import type { Request } from './request.ts';
import { resumeRequest } from './resume.ts';

/** Runs approved requests in the background, so that a click is answered at once. */
export interface Runner {
  start(request: Request): void;
  resume(): Promise<readonly Request[]>;
  settled(id: string): Promise<void>;
  drain(): Promise<void>;
}

export function createRunner(ports: DoorPorts): Runner {
  const changing = new Map<string, Promise<unknown>>();
  const verifying = new Map<string, Promise<unknown>>();

  /** Keeps the work in the map while it lasts; what it throws is a fault, never an unhandled rejection. */
  const keep = (map: Map<string, Promise<unknown>>, id: string, work: Promise<unknown>): void => {
    const kept = work
      .catch((error: unknown) => ports.onFault(id, error))
      .finally(() => map.delete(id));
    map.set(id, kept);
  };

  const run = async (request: Request): Promise<void> => {
    const site = siteOf(ports, request);
    if (site === undefined) throw new Error(`Target ${request.target} is not configured any more.`);
    const ended = await execute(request, site);
    if (ended.state === 'verifying') keep(verifying, ended.id, verifyLater(ended, site));
    if (ended.state === 'stale') await askAgain(ports, ended);
  };

  return {
    start: (request) => keep(changing, request.id, run(request)),
    async resume() {
      const left = await ports.journal.list(['approved', 'executing', 'verifying']);
      const ended: Request[] = [];
      for (const request of left) {
        const site = siteOf(ports, request);
        // One of a target that is not configured any more keeps its open end, for whoever puts it back.
        if (site !== undefined) ended.push(await resumeRequest(request, site));
      }
      return ended;
    },
    async settled(id) {
      await changing.get(id);
      await verifying.get(id);
    },
    async drain() {
      await Promise.all(changing.values());
    },
  };
}

/** A plan that no longer fits is made afresh, for the same people to vote on again. */
async function askAgain(ports: DoorPorts, stale: Request): Promise<void> {
  const { target, ask, proposedBy: actor, id: supersedes } = stale;
  const again = await propose(ports, { target, ask, actor, supersedes });
  if (again.ok) return;
  const { why } = again.refusal;
  await ports.journal.record({ request: stale.id, kind: 'not-asked-again', body: { why } });
  ports.onChange(stale, { kind: 'note', sentence: why, at: isoNow(ports.clock) });
}

function siteOf(ports: DoorPorts, { target, option }: Request): Site | undefined {
  const { patients, policy, onChange, ...rest } = ports;
  const patient = patients.find(({ name }) => name === target);
  const remedy = patient?.remedies.find((candidate) => candidate.option === option);
  if (patient === undefined || remedy === undefined) return undefined;
  const { look, warningUtilisation } = patient;
  const { leastShareLeft } = policy;
  return { ...rest, remedy, look, warningUtilisation, leastShareLeft, notify: onChange };
}
