import { isoNow, within } from '../../timing.ts';
import { handOver } from './by-hand.ts';
import { mustMove } from './context.ts';
import type { ApprovalDeps, ExecutionContext, Step } from './context.ts';
import { execute, fail, toVerifying } from './execute.ts';
import type { Holder, Journal } from './journal.ts';
import { keepLeases, withLease } from './lease.ts';
import { concerning } from './may-run-now.ts';
import { underItsRules } from './policy.ts';
import { propose } from './propose.ts';
import type { ApprovalRequest } from './request.ts';
import { controlOf, recoverSafely } from './run-control.ts';
import { readFullness, unknownOutcome } from './verify/outcome.ts';
import { verifyRequest } from './verify/verify-request.ts';

/**
 * Finishes what another process began and did not end: the remedy finds out what is true, completes or undoes what
 * was half done, and says what a look cannot tell. Call it with the lease on the request. Returns it ended, or
 * as `verifying` where the remedy came to its end after all.
 */
async function finishRequest(
  request: ApprovalRequest,
  context: ExecutionContext,
): Promise<ApprovalRequest> {
  switch (request.state) {
    case 'approved':
      return fail(
        request,
        context,
        'dbconn was interrupted before this started. Nothing was done.',
      );
    case 'executing':
      return mustMove(request, context, await brokenOff(request, context));
    case 'verifying':
      return ranByHandUnseen(request)
        ? mustMove(request, context, await checkAfter(request, context))
        : request;
    default:
      return request;
  }
}

/** A person ran it, and nobody has looked yet what became of its targets. */
function ranByHandUnseen({ plan, result }: ApprovalRequest): boolean {
  return plan.byHand !== undefined && result?.report.items.length === 0;
}

async function checkAfter(request: ApprovalRequest, context: ExecutionContext): Promise<Step> {
  const report = await recoverSafely(request, context, controlOf(request, context));
  return toVerifying(request, report, context);
}

async function brokenOff(request: ApprovalRequest, context: ExecutionContext): Promise<Step> {
  const report = await recoverSafely(request, context, controlOf(request, context));
  if (report.finished) return toVerifying(request, report, context);
  const later = readFullness(await context.takeSnapshot());
  const sentence = 'dbconn was interrupted while this ran, and checked it afterwards.';
  const outcome = unknownOutcome(sentence, later);
  const result = { report, outcome, endedAt: isoNow(context.clock) };
  return { state: 'done', change: { result } };
}

/** A change has to end before this process does; a verification can be gone on with by another one. */
type Phase = 'changing' | 'verifying';

/** The work that goes on in this process, by request. */
interface RunningRequests {
  /** What the work throws is told, and never an unhandled rejection. */
  begin(phase: Phase, id: string, work: Promise<unknown>): void;
  has(id: string): boolean;
  readonly isBusy: () => boolean;
  ids(phase: Phase): readonly string[];
  ended(phase: Phase): Promise<void>;
  settled(id: string): Promise<void>;
}

function createRunningRequests(
  onBroken: (phase: Phase, id: string, error: unknown) => void,
): RunningRequests {
  const running = {
    changing: new Map<string, Promise<void>>(),
    verifying: new Map<string, Promise<void>>(),
  };
  return {
    begin(phase, id, work) {
      const kept = work
        .then(
          () => undefined,
          (error: unknown) => onBroken(phase, id, error),
        )
        .finally(() => running[phase].delete(id));
      running[phase].set(id, kept);
    },
    has: (id) => running.changing.has(id) || running.verifying.has(id),
    isBusy: () => Object.values(running).some(({ size }) => size > 0),
    ids: (phase) => [...running[phase].keys()],
    async ended(phase) {
      await Promise.all(running[phase].values());
    },
    async settled(id) {
      await running.changing.get(id);
      await running.verifying.get(id);
    },
  };
}

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
    const context = await contextOf(ports, request, { holder, signal });
    if (context === undefined) throw new Error(`Target ${request.target} is not configured.`);
    const ended = await work(request, context);
    if (ended.state === 'verifying') {
      running.begin('verifying', ended.id, verifyRequest(ended, context));
    }
    // From here on it belongs to people, and the process that hears of it takes it again.
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
        // One of a target that is not configured any more keeps its open end, for the person who puts it back.
        const context = await contextOf(ports, request, { holder, signal });
        if (context === undefined || running.has(request.id)) continue;
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

async function contextOf(
  ports: ApprovalDeps,
  request: ApprovalRequest,
  { holder, signal }: { readonly holder: Holder; readonly signal: AbortSignal },
): Promise<ExecutionContext | undefined> {
  const { target, option, plan } = request;
  const { approvalTargets, ...rest } = await underItsRules(ports, request);
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
    signal,
  };
}
