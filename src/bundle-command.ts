import { open, rm } from 'node:fs/promises';
import type { Config } from './config/config.ts';
import { toPolicy } from './config/to-policy.ts';
import type { StoredJournal } from './journal/stored-journal.ts';
import type { Actor } from './runbook/approval/actor.ts';
import { BundleTooLarge } from './runbook/post-incident/bundle/fit-items.ts';
import type { SealedBundle } from './runbook/post-incident/bundle/seal-bundle.ts';
import { sealIncident } from './seal-incident.ts';
import { exitCodes } from './terminal/exit-codes.ts';
import { refused } from './terminal/said.ts';
import { withJournal } from './terminal/commands/with-journal.ts';
import type { CommandResult } from './terminal/said.ts';

/** `bundle INCIDENT [--out FILE]`, as it was typed. */
interface BundleCommand {
  readonly id: string | undefined;
  readonly out: string | undefined;
  readonly actor: Actor;
  /** UTC ISO text. */
  readonly at: string;
}

/** Writes the sealed bundle of an incident into a new file. Throws JournalUnavailable. */
export async function runBundleCommand(
  config: Config,
  command: BundleCommand,
  warn: (sentence: string) => void,
): Promise<CommandResult> {
  const { id } = command;
  if (id === undefined) return refused('Say which incident: dbconn bundle ID. See dbconn history.');
  return withJournal(config, warn, (journal) => writeBundle(config, journal, { ...command, id }));
}

async function writeBundle(
  config: Config,
  journal: StoredJournal,
  { id, out, actor, at }: BundleCommand & { readonly id: string },
): Promise<CommandResult> {
  const incident = await journal.readIncident(id);
  if (incident === undefined) return refused('There is no such incident. See dbconn history.');
  const entry = config.targets.find(({ target }) => target.name === incident.target);
  const parts = { journal, actor, policy: toPolicy(config.approval), sealedAt: at };
  const file = out ?? `${id}.bundle.jsonl`;
  try {
    const sealed = await writeNew(file, () =>
      sealIncident(incident, { ...parts, target: entry?.target ?? null }),
    );
    return { text: toSentences(file, sealed), code: exitCodes.fine };
  } catch (error) {
    if (error instanceof BundleTooLarge) return refused(error.message);
    const problem = whyNotWritten(error);
    if (problem === undefined) throw error;
    return refused(`The bundle was not written to ${file}: ${problem}`);
  }
}

/** Nothing is sealed that cannot be written, and nothing that is there already is overwritten. */
async function writeNew(file: string, seal: () => Promise<SealedBundle>): Promise<SealedBundle> {
  // For the owner alone, as the journal is.
  const handle = await open(file, 'wx', 0o600);
  try {
    const sealed = await seal();
    await handle.writeFile(sealed.text);
    return sealed;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

function toSentences(file: string, { lines, head }: SealedBundle): string {
  return [
    `Sealed in ${file}: ${lines} lines. Only with its head, which stands in the journal and in the incident’s`,
    'timeline now, can it be told later that nobody wrote the whole file anew:',
    `dbconn replay ${file} --head ${head}`,
  ].join('\n');
}

const problems: Readonly<Record<string, string>> = {
  EEXIST: 'there is such a file already. Name another one with --out.',
  ENOENT: 'its folder does not exist.',
  EACCES: 'you may not write there.',
  EROFS: 'nothing can be written there. Name another place with --out.',
  EISDIR: 'that is a folder. Name a file with --out.',
  ENOSPC: 'the disk is full.',
};

function whyNotWritten(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return problems[String(error.code)];
}
