import { open, rm } from 'node:fs/promises';
import manifest from '../../../package.json' with { type: 'json' };

import type { Config } from '../../config/config.ts';
import { toPolicy } from '../../config/to-rules.ts';
import { toExport } from '../../journal/export/export-journal.ts';
import type { StoredJournal } from '../../journal/stored-journal.ts';
import { JournalUnavailable } from '../../runbook/approvals/journal.ts';
import type { Policy } from '../../runbook/approvals/policy.ts';
import type { Actor } from '../../runbook/approvals/request.ts';
import { addNote } from '../../runbook/incidents/change.ts';
import { readRequestsOf } from '../../runbook/incidents/incident-log.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import { BundleTooLarge, sealBundle } from '../../runbook/reports/sealed-export/bundle.ts';
import type { SealedBundle } from '../../runbook/reports/sealed-export/bundle.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import { exitCodes, refused } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { withJournal } from './journal-command.ts';
import type { App } from '../../app/deps.ts';

interface SealingParts {
  readonly journal: StoredJournal;
  /** The incident's; null where it is not configured any more. */
  readonly target: Target | null;
  readonly policy: Policy;
  readonly actor: Actor;
  /** UTC ISO text. */
  readonly sealedAt: string;
}

/**
 * Seals what the journal holds of an incident, and writes the bundle's hash down in the journal: as a note of the
 * incident, and as a change of it, so that a bot that runs tells it in the thread, even of one that ended long ago.
 * Throws JournalUnavailable, and BundleTooLarge.
 */
export async function sealIncident(
  incident: Incident,
  { journal, actor, ...rules }: SealingParts,
): Promise<SealedBundle> {
  const { id } = incident;
  const requests = await readRequestsOf(journal, incident);
  const subjects = [id, ...requests.map((request) => request.id)];
  const entries = await Promise.all(subjects.map((subject) => journal.entries(subject)));
  const exported = toExport({
    verification: await journal.verify(),
    incidents: [incident],
    requests,
    entries: entries.flat().toSorted((a, b) => a.seq - b.seq),
  });
  const sealed = await sealBundle({ ...rules, exported, dbconn: manifest.version });
  const written = await addNote({ log: journal }, id, {
    kind: 'incident-sealed',
    sentence: `Its bundle was sealed, head ${sealed.head}.`,
    by: actor,
  });
  if (!written.ok) throw new JournalUnavailable(written.refusal.why);
  return sealed;
}

/** `bundle INCIDENT [--out FILE]`, as it was typed. */
interface BundleCommand {
  readonly id: string | undefined;
  readonly out: string | undefined;
  readonly actor: Actor;
  /** UTC ISO text. */
  readonly at: string;
}

/** Writes the sealed bundle of an incident into a new file. Throws JournalUnavailable. */
export async function runBundleCommand(app: App, command: BundleCommand): Promise<CommandResult> {
  const { id } = command;
  if (id === undefined) return refused('Say which incident: dbconn bundle ID. See dbconn history.');
  return withJournal(app, (journal) => writeBundle(app.config, journal, { ...command, id }));
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
  const file = out ?? `${id}.bundle.json`;
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

function toSentences(file: string, { head }: SealedBundle): string {
  return [
    `Sealed in ${file}. Its head is in the journal and in the incident’s timeline.`,
    'Check it with the head, which shows that nobody changed the file and sealed it again:',
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
