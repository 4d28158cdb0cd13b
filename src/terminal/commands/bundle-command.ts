import { open, rm } from 'node:fs/promises';
import manifest from '../../../package.json' with { type: 'json' };

import type { Config } from '../../config/config.ts';
import { toPolicy } from '../../config/to-rules.ts';
import { readBody } from '../../journal/chain.ts';
import type { StoredJournal } from '../../journal/stored-journal.ts';
import { JournalUnavailable } from '../../runbook/approvals/journal.ts';
import type { Policy } from '../../runbook/approvals/policy.ts';
import type { Actor } from '../../runbook/approvals/request.ts';
import { addNote } from '../../runbook/incidents/change.ts';
import { readRequestsOf } from '../../runbook/incidents/incident-log.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { JournalState } from '../../runbook/reports/sealed-export/open.ts';
import { BundleTooLarge, sealBundle } from '../../runbook/reports/sealed-export/seal.ts';
import type { SealedBundle, SealedEntry } from '../../runbook/reports/sealed-export/seal.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import { exitCodes, refused } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { withJournal } from './with-journal.ts';
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
 * Seals what the journal holds of an incident, and writes the seal's head down in the journal: as a note of the
 * incident, and as a change of it, so that a bot that runs tells it in the thread, even of one that ended long ago.
 * Throws JournalUnavailable, and BundleTooLarge.
 */
export async function sealIncident(
  incident: Incident,
  { journal, target, policy, actor, sealedAt }: SealingParts,
): Promise<SealedBundle> {
  const { id } = incident;
  const requests = await readRequestsOf(journal, incident);
  const sealed = await sealBundle({
    incident,
    target,
    policy,
    notes: await journal.readNotes(id, 0),
    requests,
    entries: await readEntries(journal, [id, ...requests.map((request) => request.id)]),
    journal: await readState(journal),
    dbconn: manifest.version,
    sealedAt,
  });
  const sentence = `Its bundle was sealed: ${sealed.lines} lines, head ${sealed.head}.`;
  const written = await addNote({ log: journal }, id, {
    kind: 'incident-sealed',
    sentence,
    by: actor,
  });
  if (!written.ok) throw new JournalUnavailable(written.refusal.why);
  return sealed;
}

/** A bundle must not lend a changed journal the look of a proof. */
async function readState(journal: StoredJournal): Promise<JournalState> {
  const [verification, head] = await Promise.all([journal.verify(), journal.head()]);
  return { ...head, problem: verification.ok ? null : verification.problem };
}

async function readEntries(
  journal: StoredJournal,
  subjects: readonly string[],
): Promise<SealedEntry[]> {
  const found = await Promise.all(subjects.map((subject) => journal.entries(subject)));
  return found
    .flat()
    .toSorted((a, b) => a.seq - b.seq)
    .map(({ seq, at, request, kind, body, hash }) => ({
      seq,
      at,
      request,
      kind,
      body: readBody(body),
      hash,
    }));
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
