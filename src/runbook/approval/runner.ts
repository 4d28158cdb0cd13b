import type { Holder, Journal } from '../snapshot/ports.ts';
import type { ApprovalDeps } from './door-ports.ts';
import { execute } from './execute.ts';
import { handOver } from './hand-over.ts';
import { withLease } from './hold.ts';
import { isoNow } from './iso-now.ts';
import { keepLeases } from './keep-leases.ts';
import { concerning } from './must-be-true.ts';
import { propose } from './propose.ts';
import type { ApprovalRequest } from './request.ts';
import { finishRequest } from './resume.ts';
import type { ExecutionContext } from './site.ts';
import { verifyRequest } from '../approvals/verify/verify-request.ts';
import { within } from './within.ts';
import { createRunningRequests } from './works.ts';

/** Runs approved requests in the background, so that a click is answered at once. */
interface Runner {
  start(request: ApprovalRequest): void;
  /** Looks what came of a request that a person ran. */
  takeRanByHand(request: ApprovalRequest): Promise<void>;
  /** Starts to finish what nobody holds any more, and returns it as it was found. */
  takeOver(): Promise<readonly ApprovalRequest[]>;
  settled(id: string): Promise<void>;
  drain(withinMs?: number): Promise<readonly string[]>;
}

export function createRunner(ports: ApprovalDeps, holder: Holder): Runner {
  const { journal, clock, onFault } = ports;
  /** Broke off here with their lease still held. */
  const broken = new Set<string>();
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = createRunningRequests((phase, id, error) => {
    // A verification that ends because this process does is no fault: the next one goes on.
    if (signal.aborted && phase === 'verifying') return;
    broken.add(id);
    onFault(id, error);
  });
  const leases = keepLeases(ports, holder, running.isBusy);
  const run = async (request: ApprovalRequest, work: Work): Promise<void> => {
    const context = contextOf(ports, request, { holder, signal });
    if (context === undefined) throw new Error(`Target ${request.target} is not configured.`);
    const ended = await work(request, context);
    if (ended.state === 'verifying') {
      running.begin('verifying', ended.id, verifyRequest(ended, context));
    }
    // From here on it belongs to people, and whoever hears that they ran it takes it again.
    if (ended.state === 'handed') await journal.release(ended.id, holder);
    if (ended.state === 'stale') await proposeAgain(ports, ended);
  };
  const begin = (request: ApprovalRequest, work: Work): void => {
    running.begin('changing', request.id, run(request, work));
    leases.begin();
  };
  return {
    start: (request) => begin(request, request.plan.byHand === undefined ? execute : handOver),
    async takeRanByHand(request) {
      // Where another process still holds it, that one goes on.
      if (await journal.acquire(request.id, holder)) begin(request, finishRequest);
    },
    async takeOver() {
      for (const id of broken) {
        await journal.release(id, holder);
        broken.delete(id);
      }
      const taken: ApprovalRequest[] = [];
      for (const request of await readUnfinished(journal)) {
        // One of a target that is not configured any more keeps its open end, for whoever puts it back.
        const isOurs = contextOf(ports, request, { holder, signal }) !== undefined;
        if (!isOurs || running.has(request.id)) continue;
        const found = await take(journal, holder, request);
        if (found === undefined) continue;
        begin(found, finishRequest);
        taken.push(found);
      }
      return taken;
    },
    settled: (id) => running.settled(id),
    async drain(withinMs) {
      await within(running.ended('changing'), withinMs, clock);
      stopping.abort();
      const left = running.ids('verifying');
      await running.ended('verifying');
      leases.end();
      for (const id of left) await journal.release(id, holder);
      return running.ids('changing');
    },
  };
}

type Work = (request: ApprovalRequest, context: ExecutionContext) => Promise<ApprovalRequest>;

/** What to finish is read from the record: none of a target whose record was changed, which the watch on it says. */
async function readUnfinished(journal: Journal): Promise<readonly ApprovalRequest[]> {
  const untrue = await journal.findUntrue();
  const unfinished = await journal.list(['approved', 'executing', 'verifying']);
  return unfinished.filter(({ target }) => concerning(untrue, target) === undefined);
}

/** The request as it is once this process holds it; undefined while another one does. */
async function take(
  journal: Journal,
  holder: Holder,
  { id }: ApprovalRequest,
): Promise<ApprovalRequest | undefined> {
  if (!(await journal.acquire(id, holder))) return undefined;
  await journal.record({ request: id, kind: 'taken-over', body: {}, holder });
  return journal.read(id);
}

/** A plan that no longer fits is made afresh, for the same people to vote on again. */
async function proposeAgain(ports: ApprovalDeps, stale: ApprovalRequest): Promise<void> {
  const { target, ask, proposedBy: actor, id: supersedes } = stale;
  const again = await propose(ports, { target, ask, actor, supersedes });
  if (again.ok) return;
  const { why } = again.refusal;
  await ports.journal.record({ request: stale.id, kind: 'not-asked-again', body: { why } });
  ports.onChange(stale, { kind: 'note', sentence: why, at: isoNow(ports.clock) });
}

function contextOf(
  ports: ApprovalDeps,
  { target, option, plan }: ApprovalRequest,
  { holder, signal }: { readonly holder: Holder; readonly signal: AbortSignal },
): ExecutionContext | undefined {
  const { approvalTargets, onChange, ...rest } = ports;
  const approvalTarget = approvalTargets.find(({ name }) => name === target);
  const remedies = plan.byHand === undefined ? approvalTarget?.remedies : approvalTarget?.handOffs;
  const remedy = remedies?.find((candidate) => candidate.option === option);
  if (approvalTarget === undefined || remedy === undefined) return undefined;
  const { takeSnapshot, warningUtilisation } = approvalTarget;
  return {
    ...rest,
    ...withLease(ports.journal, holder, ports.clock),
    remedy,
    takeSnapshot,
    warningUtilisation,
    notify: onChange,
    signal,
  };
}
