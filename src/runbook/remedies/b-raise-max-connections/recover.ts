import { poll } from '../../../timing.ts';
import { z } from 'zod';
import { reportOne } from '../remedy.ts';
import type { Interrupted, Report, StepEntry } from '../remedy.ts';
import { awaitBoot } from './boot.ts';
import type { OptionBPorts, ServerHost } from './ports.ts';
import { bringUp, cleanUp, concludeUp, putBack } from './restart.ts';
import type { Raise } from './restart.ts';
import { pendingReport, takeBack } from './run.ts';
import type { Change } from './run.ts';

const pollMs = 1000;
/** A stop that was asked for goes on though nobody waits for it any more: as long as a stop may take, and some. */
const stopWithinMs = 360_000;

/** What a run left in the journal. */
const Facts = z.object({
  part: z.enum(['copy', 'alter', 'checkpoint', 'restart', 'check', 'clean']),
  path: z.string().optional(),
  copyPath: z.string().optional(),
  sha256: z.string().optional(),
  startedAt: z.string().nullish(),
  putsBack: z.boolean().optional(),
  isPutBack: z.boolean().optional(),
  isUp: z.boolean().optional(),
});
type Facts = z.infer<typeof Facts> & Pick<StepEntry, 'kind'>;

/**
 * Finds out how far a run came, and ends it on one side or the other: what was not restarted is taken back, what
 * was to be restarted is waited through, and what cannot start gets its old file.
 */
export async function recoverRaise(
  ports: OptionBPorts,
  { steps }: Interrupted,
  change: Change,
): Promise<Report> {
  const notes = steps.flatMap(({ facts, kind }): Facts[] => {
    const read = Facts.safeParse(facts);
    return read.success ? [{ ...read.data, kind }] : [];
  });
  const { serverHost } = ports;
  const copied = notes.findLast(({ part, copyPath }) => part === 'copy' && copyPath !== undefined);
  const { path, copyPath, sha256 } = copied ?? {};
  if (path === undefined || copyPath === undefined) return recoverAlter(ports, notes, change);
  if (serverHost === undefined) return lostHost(change, copyPath);
  const files = { path, copyPath };
  if (sha256 === undefined || !notes.some(({ part }) => part === 'alter')) {
    return notBegun(change, await cleanUp({ control: change.control, serverHost, files }));
  }
  const raise: Raise = { ...change, serverHost, files, kept: { sha256 }, before: null };
  const restart = notes.find(({ part }) => part === 'restart');
  if (restart === undefined) return takeBack(ports, raise, interrupted);
  return recoverRestart(ports, raise, { notes, startedAt: restart.startedAt ?? null });
}

const interrupted = 'It was interrupted before the restart.';

/** Without a copy there was no host, and ALTER SYSTEM was all there was to do. */
async function recoverAlter(
  { serverSettings }: OptionBPorts,
  notes: readonly Facts[],
  change: Change,
): Promise<Report> {
  const alters = notes.filter(({ part }) => part === 'alter');
  if (alters.length === 0) return notBegun(change, '');
  if (alters.some(({ kind }) => kind === 'done')) return pendingReport(change);
  const { auto, beneath } = await serverSettings.readMaxConnections();
  const { from, to, name } = change.target;
  if (beneath !== null && String(auto) === String(to)) return pendingReport(change);
  // Whether it was written cannot be told where the files cannot be read: taking it out is right either way.
  if (beneath === null) {
    const { lease } = change.control;
    await serverSettings.alterMaxConnections(from === null ? null : Number(from), lease);
  }
  const detail = 'It was interrupted. postgresql.auto.conf is unchanged.';
  return reportOne({ what: name, outcome: 'put back', detail });
}

function notBegun({ target }: Change, copy: string): Report {
  const detail = 'It was interrupted before anything was changed.';
  return reportOne({ what: target.name, outcome: 'not reached', detail }, `${detail}${copy}`);
}

function lostHost({ target }: Change, copyPath: string): Report {
  const detail = `It was interrupted, and dbconn cannot reach the PostgreSQL container any more. Check that it runs. The old postgresql.auto.conf is in ${copyPath}.`;
  return reportOne({ what: target.name, outcome: 'unknown', detail });
}

interface Before {
  readonly notes: readonly Facts[];
  /** Of the process that was to be restarted. */
  readonly startedAt: string | null;
}

async function recoverRestart(
  ports: OptionBPorts,
  raise: Raise,
  { notes, startedAt }: Before,
): Promise<Report> {
  const { serverHost, control } = raise;
  if (notes.some(({ putsBack }) => putsBack === true)) return recoverPutBack(ports, raise, notes);
  if (notes.some(({ part, isUp }) => part === 'restart' && isUp === true)) {
    const boot = await awaitBoot(ports, serverHost, control);
    return boot.kind === 'up' ? concludeUp(ports, raise, boot) : bringUp(ports, raise);
  }
  const status = await settle(ports, serverHost, startedAt);
  if (status === 'untouched') return takeBack(ports, raise, interrupted);
  if (status === 'stopped') await serverHost.start();
  return bringUp(ports, raise);
}

/** The old file was on its way back: it is there if PostgreSQL runs with the old value, and else it goes back again. */
async function recoverPutBack(
  ports: OptionBPorts,
  raise: Raise,
  notes: readonly Facts[],
): Promise<Report> {
  const { serverHost, control, target } = raise;
  const failure = { failure: null, lines: [] };
  const wasUp = notes.some(({ isPutBack, isUp }) => isPutBack === true && isUp === true);
  if (!wasUp) {
    const { running } = await serverHost.readState();
    if (!running) return putBack(ports, raise, failure);
    const boot = await awaitBoot(ports, serverHost, control);
    const isOld = boot.kind === 'up' && (boot.maxConnections ?? raise.to) !== raise.to;
    if (!isOld) return putBack(ports, raise, failure);
  }
  const copy = await cleanUp(raise);
  const detail = `PostgreSQL did not start with max_connections = ${raise.to}. Its old file is restored, and it runs with ${target.inForce}.`;
  return reportOne({ what: target.name, outcome: 'put back', detail }, `${detail}${copy}`);
}

/**
 * `untouched` the old process runs and accepts connections, so nobody asked it to stop · `stopped` it ended, and
 * nothing was started since · `started` it is another process, running or ended.
 */
async function settle(
  { serverSettings, clock }: OptionBPorts,
  serverHost: ServerHost,
  startedAt: string | null,
): Promise<'untouched' | 'stopped' | 'started'> {
  let accepted = 0;
  return poll({ everyMs: pollMs, withinMs: stopWithinMs, clock }, async (isOver) => {
    const state = await serverHost.readState();
    const isNew = state.startedAt !== null && state.startedAt !== startedAt;
    if (isNew) return 'started';
    if (!state.running) return 'stopped';
    const { state: acceptance } = await serverSettings.readAcceptance();
    accepted = acceptance === 'accepting' ? accepted + 1 : 0;
    // A stop refuses new sessions at once, but may just be on its way to the process: so it is asked twice.
    if (accepted < 2 && !isOver()) return undefined;
    return accepted > 0 ? 'untouched' : 'started';
  });
}
