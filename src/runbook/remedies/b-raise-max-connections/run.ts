import { reportOne } from '../remedy.ts';
import type { SettingTarget } from '../plan.ts';
import type { Report, RunControl } from '../remedy.ts';
import { readApplications } from './boot.ts';
import { stepOf } from './plan.ts';
import type { KeptFile, OptionBPorts, ServerHost } from './ports.ts';
import { bringUp, cleanUp } from './restart.ts';
import type { Raise } from './restart.ts';

export interface Change {
  readonly target: SettingTarget;
  readonly to: number;
  readonly control: RunControl;
}

/** Without a host: writes the setting, and tells who has to do the rest. */
export async function alterOnly({ serverSettings }: OptionBPorts, change: Change): Promise<Report> {
  const { target, to, control } = change;
  const facts = { part: 'alter', from: target.from, to: target.to };
  await control.intend({ step: 0, sentence: `set max_connections to ${to}`, facts });
  await serverSettings.alterMaxConnections(toNumber(target.to), control.lease);
  await control.record({ step: 0, sentence: 'postgresql.auto.conf is written', facts });
  return pendingReport(change);
}

export function pendingReport({ target, to }: Pick<Change, 'target' | 'to'>): Report {
  const detail = `max_connections = ${to} is written and needs a restart. Until then it is ${target.inForce}.`;
  return reportOne(
    { what: target.name, outcome: 'set', detail },
    `${detail} Restart PostgreSQL now: systemctl restart postgresql, pg_ctl restart -m fast, or its operator. Then check with SHOW max_connections.`,
  );
}

/** With a host: the whole of it, in steps that a recovery can go on from. */
export async function alterAndRestart(
  ports: OptionBPorts,
  serverHost: ServerHost,
  change: Change,
): Promise<Report> {
  const { target, to, control } = change;
  const { serverSettings } = ports;
  const before = await readApplications(ports);
  const files = await whereToKeep(ports);
  const step = (part: 'copy' | 'alter' | 'checkpoint' | 'restart'): number => stepOf(part, true);

  const copy = { part: 'copy', path: files.path, copyPath: files.copyPath };
  await control.intend({ step: step('copy'), sentence: 'keep a copy', facts: copy });
  const kept = await serverHost.keepCopy(files);
  await control.record({
    step: step('copy'),
    sentence: 'A copy is kept',
    facts: { ...copy, ...kept },
  });
  if (await control.isStopped())
    return stopBefore(target, await cleanUp({ control, serverHost, files }));

  const facts = { part: 'alter', from: target.from, to: target.to };
  await control.intend({ step: step('alter'), sentence: `set max_connections to ${to}`, facts });
  await serverSettings.alterMaxConnections(toNumber(target.to), control.lease);
  await control.record({ step: step('alter'), sentence: 'postgresql.auto.conf is written', facts });

  await control.intend({
    step: step('checkpoint'),
    sentence: 'CHECKPOINT',
    facts: { part: 'checkpoint' },
  });
  const checkpoint = `CHECKPOINT: ${await serverSettings.writeCheckpoint()}`;
  await control.record({
    step: step('checkpoint'),
    sentence: checkpoint,
    facts: { part: 'checkpoint' },
  });
  const raise: Raise = { control, target, to, serverHost, files, kept, before };
  if (await control.isStopped()) return takeBack(ports, raise, 'All changes were stopped.');

  const { name, startedAt } = await serverHost.readState();
  await control.intend({
    step: step('restart'),
    sentence: `restart ${name}`,
    facts: { part: 'restart', startedAt },
  });
  await serverHost.stop();
  await serverHost.start();
  return bringUp(ports, raise);
}

/** The file ALTER SYSTEM writes is always in the data directory, whatever config_file says. */
async function whereToKeep({ serverSettings, clock }: OptionBPorts): Promise<KeptFile> {
  const { dataDirectory } = await serverSettings.readMaxConnections();
  if (dataDirectory === null) throw new Error('A plan without a data directory was approved.');
  const path = `${dataDirectory}/postgresql.auto.conf`;
  const stamp = new Date(clock.now()).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return { path, copyPath: `${path}.dbconn-${stamp}` };
}

/** Nothing was restarted, so what is written comes out again. */
export async function takeBack(
  { serverSettings }: OptionBPorts,
  { control, target, serverHost, files }: Omit<Raise, 'kept' | 'before' | 'to'>,
  why: string,
): Promise<Report> {
  const step = stepOf('alter', true);
  const facts = { part: 'alter', takesBack: true };
  await control.intend({ step, sentence: 'undo the change of max_connections', facts });
  const { auto, beneath } = await serverSettings.readMaxConnections();
  // Null beneath: the files cannot be read, so nobody else's later change can be told from ours.
  const isOurs = beneath === null || auto === toNumber(target.to);
  if (isOurs) await serverSettings.alterMaxConnections(toNumber(target.from), control.lease);
  // A recovery that broke off in its turn may have done it already.
  const isAsBefore = isOurs || auto === toNumber(target.from);
  const sentence = isAsBefore
    ? 'postgresql.auto.conf is unchanged'
    : 'somebody else changed it since, and that stays';
  await control.record({ step, sentence, facts });
  const copy = await cleanUp({ control, serverHost, files });
  const detail = `${why} PostgreSQL was not restarted, and ${sentence}.`;
  return reportOne({ what: target.name, outcome: 'put back', detail }, `${detail}${copy}`);
}

function stopBefore(target: SettingTarget, copy: string): Report {
  const detail = 'All changes were stopped before this one. Nothing changed.';
  return reportOne({ what: target.name, outcome: 'not reached', detail }, `${detail}${copy}`);
}

function toNumber(value: string | null): number | null {
  return value === null ? null : Number(value);
}
