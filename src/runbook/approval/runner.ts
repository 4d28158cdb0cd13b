import type { Holder, Journal } from '../ports.ts';
import type { DoorPorts } from './door-ports.ts';
import { execute } from './execute.ts';
import { handOver } from './hand-over.ts';
import { fence } from './hold.ts';
import { isoNow } from './iso-now.ts';
import { keepLeases } from './keep-leases.ts';
import { concerning } from './must-be-true.ts';
import { propose } from './propose.ts';
import type { Request } from './request.ts';
import { finishRequest } from './resume.ts';
import type { Site } from './site.ts';
import { verifyRequest } from './verify-request.ts';
import { within } from './within.ts';
import { createWorks } from './works.ts';

/** Runs approved requests in the background, so that a click is answered at once. */
interface Runner {
  start(request: Request): void;
  /** Looks what came of a request that a person ran. */
  see(request: Request): Promise<void>;
  /** Starts to finish what nobody holds any more, and returns it as it was found. */
  takeOver(): Promise<readonly Request[]>;
  settled(id: string): Promise<void>;
  drain(withinMs?: number): Promise<readonly string[]>;
}

export function createRunner(ports: DoorPorts, holder: Holder): Runner {
  const { journal, clock, onFault } = ports;
  /** Broke off here with their lease still held. */
  const broken = new Set<string>();
  const stopping = new AbortController();
  const { signal } = stopping;
  const works = createWorks((phase, id, error) => {
    // A verification that ends because this process does is no fault: the next one goes on.
    if (signal.aborted && phase === 'verifying') return;
    broken.add(id);
    onFault(id, error);
  });
  const isBusy = (): boolean => works.ids('changing').length + works.ids('verifying').length > 0;
  const leases = keepLeases(ports, holder, isBusy);
  const run = async (request: Request, work: Work): Promise<void> => {
    const site = siteOf(ports, request, { holder, signal });
    if (site === undefined) throw new Error(`Target ${request.target} is not configured any more.`);
    const ended = await work(request, site);
    if (ended.state === 'verifying') {
      works.begin('verifying', ended.id, verifyRequest(ended, site));
    }
    // From here on it belongs to people, and whoever hears that they ran it takes it again.
    if (ended.state === 'handed') await journal.release(ended.id, holder);
    if (ended.state === 'stale') await askAgain(ports, ended);
  };
  const begin = (request: Request, work: Work): void => {
    works.begin('changing', request.id, run(request, work));
    leases.begin();
  };
  return {
    start: (request) => begin(request, request.plan.byHand === undefined ? execute : handOver),
    async see(request) {
      // Where another process still holds it, that one goes on.
      if (await journal.hold(request.id, holder)) begin(request, finishRequest);
    },
    async takeOver() {
      for (const id of broken) {
        await journal.release(id, holder);
        broken.delete(id);
      }
      const taken: Request[] = [];
      for (const request of await readUnfinished(journal)) {
        // One of a target that is not configured any more keeps its open end, for whoever puts it back.
        const isOurs = siteOf(ports, request, { holder, signal }) !== undefined;
        if (!isOurs || works.has(request.id)) continue;
        const found = await take(journal, holder, request);
        if (found === undefined) continue;
        begin(found, finishRequest);
        taken.push(found);
      }
      return taken;
    },
    settled: (id) => works.settled(id),
    async drain(withinMs) {
      await within(works.ended('changing'), withinMs, clock);
      stopping.abort();
      const left = works.ids('verifying');
      await works.ended('verifying');
      leases.end();
      for (const id of left) await journal.release(id, holder);
      return works.ids('changing');
    },
  };
}

type Work = (request: Request, site: Site) => Promise<Request>;

/** What to finish is read from the record: none of a target whose record was changed, which the watch on it says. */
async function readUnfinished(journal: Journal): Promise<readonly Request[]> {
  const untrue = await journal.findUntrue();
  const unfinished = await journal.list(['approved', 'executing', 'verifying']);
  return unfinished.filter(({ target }) => concerning(untrue, target) === undefined);
}

/** The request as it is once this process holds it; undefined while another one does. */
async function take(
  journal: Journal,
  holder: Holder,
  { id }: Request,
): Promise<Request | undefined> {
  if (!(await journal.hold(id, holder))) return undefined;
  await journal.record({ request: id, kind: 'taken-over', body: {}, holder });
  return journal.read(id);
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

function siteOf(
  ports: DoorPorts,
  { target, option, plan }: Request,
  { holder, signal }: { readonly holder: Holder; readonly signal: AbortSignal },
): Site | undefined {
  const { patients, onChange, ...rest } = ports;
  const patient = patients.find(({ name }) => name === target);
  const remedies = plan.byHand === undefined ? patient?.remedies : patient?.handOffs;
  const remedy = remedies?.find((candidate) => candidate.option === option);
  if (patient === undefined || remedy === undefined) return undefined;
  const { look, warningUtilisation } = patient;
  return {
    ...rest,
    ...fence(ports.journal, holder, ports.clock),
    remedy,
    look,
    warningUtilisation,
    notify: onChange,
    signal,
  };
}
