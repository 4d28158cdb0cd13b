import type { SettingTarget } from '../plan.ts';
import { PrivilegedUnavailable, reportOne } from '../remedy.ts';
import type { Item, Report, RunControl } from '../remedy.ts';
import { awaitApplications, awaitBoot } from './boot.ts';
import type { ApplicationSessions, BootEnd } from './boot.ts';
import { stepOf } from './plan.ts';
import type { KeptCopy, KeptFile, OptionBPorts, ServerHost } from './ports.ts';

/** One change under way. */
export interface Raise {
  readonly control: RunControl;
  readonly target: SettingTarget;
  /** What is to be in force. */
  readonly to: number;
  readonly serverHost: ServerHost;
  readonly files: KeptFile;
  readonly kept: KeptCopy;
  /** Sessions of the applications before; null where nobody counted. */
  readonly before: ApplicationSessions;
}

/** Waits for the start; where the new value kept PostgreSQL from starting, the old file goes back and it starts with that. */
export async function bringUp(ports: OptionBPorts, raise: Raise): Promise<Report> {
  const { control, serverHost } = raise;
  const first = await awaitBoot(ports, serverHost, control);
  if (first.kind === 'exited' && first.failure !== null) return putBack(ports, raise, first);
  await control.record({
    step: stepOf('restart', true),
    sentence: first.kind === 'up' ? 'PostgreSQL accepts connections' : 'PostgreSQL did not start',
    facts: { part: 'restart', isUp: first.kind === 'up' },
  });
  return first.kind === 'up' ? concludeUp(ports, raise, first) : concludeDown(raise, first);
}

/** Why it has to go back, and what the server's log says of it. Untrusted lines. */
interface Failure {
  readonly failure: string | null;
  readonly lines: readonly string[];
}

export async function putBack(
  ports: OptionBPorts,
  raise: Raise,
  { failure, lines }: Failure,
): Promise<Report> {
  const { control, serverHost, files, kept, to } = raise;
  const step = stepOf('restart', true);
  const why = failure ?? 'it stopped at startup';
  await control.intend({
    step,
    sentence: `restore the old postgresql.auto.conf and start: with ${to} ${why}`,
    facts: { part: 'restart', putsBack: true },
  });
  // An engine that starts it again and again would start it in the middle of this.
  await serverHost.stop();
  await serverHost.putBack(files, kept);
  await serverHost.start();
  const again = await awaitBoot(ports, serverHost, control);
  await control.record({
    step,
    sentence: again.kind === 'up' ? 'PostgreSQL runs with its old file' : 'PostgreSQL is down',
    facts: { part: 'restart', isPutBack: true, isUp: again.kind === 'up' },
  });
  const reason = `PostgreSQL did not start with max_connections = ${to}: ${why}.`;
  return again.kind === 'up'
    ? concludePutBack(raise, { reason, inForce: again.maxConnections, lines })
    : concludeDown(raise, again, `${reason} It did not start with its old file either.`);
}

interface Reverted {
  readonly reason: string;
  readonly inForce: number | null;
  readonly lines: readonly string[];
}

async function concludePutBack(
  raise: Raise,
  { reason, inForce, lines }: Reverted,
): Promise<Report> {
  const { target } = raise;
  const copy = await cleanUp(raise);
  const value = inForce === null ? target.inForce : String(inForce);
  const detail = `${reason} Its old file is restored, and it runs with ${value}.`;
  return reportOne(
    { what: target.name, outcome: 'put back', detail, lines: lines.slice(-11) },
    `${reason} The old value is restored: PostgreSQL runs with max_connections = ${value}.${copy}`,
  );
}

/** Up again: is it what was wanted, and are the applications back? */
export async function concludeUp(
  ports: OptionBPorts,
  raise: Raise,
  { maxConnections }: Extract<BootEnd, { kind: 'up' }>,
): Promise<Report> {
  const { control, target, to, before } = raise;
  const step = stepOf('check', true);
  await control.intend({ step, sentence: 'check the new value', facts: { part: 'check' } });
  const inForce = maxConnections ?? (await readInForce(ports));
  const applications = await awaitApplications(ports, before);
  await control.record({
    step,
    sentence: `max_connections is ${inForce ?? 'unknown'}. ${applications}`,
    facts: { part: 'check', inForce },
  });
  const copy = await cleanUp(raise);
  const item = judge(target, to, inForce);
  return reportOne(item, `${item.detail} ${applications}${copy}`);
}

function judge({ name }: SettingTarget, to: number, inForce: number | null): Item {
  const about = { what: name, lines: [] };
  if (inForce === to) {
    const detail = `PostgreSQL was restarted and max_connections is ${to}.`;
    return { ...about, outcome: 'set', detail };
  }
  if (inForce === null) {
    const detail = `PostgreSQL was restarted. Whether max_connections is ${to} could not be read.`;
    return { ...about, outcome: 'unknown', detail };
  }
  const detail = `PostgreSQL was restarted, and max_connections is ${inForce} instead of ${to}: something else sets it.`;
  return { ...about, outcome: 'failed', detail };
}

/** Where the acting role finds no slot, one of the ways of looking may. */
async function readInForce({ takeSnapshot }: OptionBPorts): Promise<number | null> {
  const { reading } = (await takeSnapshot()).database;
  return reading?.capacity.maxConnections ?? null;
}

function concludeDown(
  { target, files }: Raise,
  end: Exclude<BootEnd, { kind: 'up' }>,
  reason = '',
): Report {
  const about = reason === '' ? '' : `${reason} `;
  const kept = `The old postgresql.auto.conf is in ${files.copyPath}.`;
  if (end.kind === 'silent') {
    const detail = `${about}PostgreSQL runs but does not answer dbconn. ${kept}`;
    return reportOne({ what: target.name, outcome: 'unknown', detail });
  }
  const code = end.exitCode === null ? '' : ` with exit code ${end.exitCode}`;
  const detail = `${about}PostgreSQL stopped at startup${code}, perhaps for another reason. It is down: read its log. ${kept}`;
  return reportOne({ what: target.name, outcome: 'failed', detail, lines: [...end.lines] });
}

/** Removes the copy. A copy that stays is told of, and no reason to call the change failed. */
export async function cleanUp({
  control,
  serverHost,
  files,
}: Pick<Raise, 'control' | 'serverHost' | 'files'>): Promise<string> {
  const step = stepOf('clean', true);
  await control.intend({ step, sentence: 'remove the copy', facts: { part: 'clean' } });
  const left = await removeCopy(serverHost, files);
  const sentence = left === '' ? 'The copy is removed' : left.trim();
  await control.record({ step, sentence, facts: { part: 'clean' } });
  return left;
}

async function removeCopy(serverHost: ServerHost, files: KeptFile): Promise<string> {
  try {
    const result = await serverHost.removeCopy(files);
    return result === 'removed' ? '' : ` An empty file remains: ${files.copyPath}.`;
  } catch (error) {
    if (!(error instanceof PrivilegedUnavailable)) throw error;
    return ` The copy of postgresql.auto.conf could not be removed: ${files.copyPath}. ${error.message}`;
  }
}
