import { readBody } from './journal/export/read-body.ts';
import type { StoredJournal } from './journal/stored-journal.ts';
import { JournalUnavailable } from './runbook/approval/journal-unavailable.ts';
import type { Policy } from './runbook/approvals/policy.ts';
import type { Actor } from './runbook/approval/actor.ts';
import { readRequestsOf } from './runbook/incident/belongs.ts';
import { changeIncident } from './runbook/incident/change-incident.ts';
import type { Incident } from './runbook/incident/incident.ts';
import type { JournalState } from './runbook/post-incident/bundle/bundle.ts';
import { sealBundle } from './runbook/post-incident/bundle/seal-bundle.ts';
import type { SealedBundle, SealedEntry } from './runbook/post-incident/bundle/seal-bundle.ts';
import type { Target } from './runbook/snapshot/target.ts';
import { readVersion } from './version.ts';

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
    dbconn: readVersion(),
    sealedAt,
  });
  const sentence = `Its bundle was sealed: ${sealed.lines} lines, head ${sealed.head}.`;
  const written = await changeIncident(journal, id, ({ state }) => ({
    state,
    change: {},
    note: { kind: 'incident-sealed', sentence, by: actor },
  }));
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
