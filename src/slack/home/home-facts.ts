import type { Approvals } from '../../runbook/approvals/approvals.ts';
import { JournalUnavailable } from '../../runbook/approvals/journal.ts';
import type { Stop } from '../../runbook/approvals/journal.ts';
import type { Places } from '../../runbook/approvals/notices.ts';
import type { Actor, ApprovalRequest } from '../../runbook/approvals/request.ts';
import { isExpired } from '../../runbook/approvals/request.ts';
import { readRequestsOf } from '../../runbook/incidents/incident-log.ts';
import type { IncidentLog } from '../../runbook/incidents/incident-log.ts';
import type { Incident } from '../../runbook/incidents/incident.ts';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
import type { Answer } from '../../runbook/remedies/remedy.ts';
import type { IncidentBoard } from '../../runbook/reports/incident-board.ts';
import type { Clock } from '../../timing.ts';
import type { ReadPermalink } from '../live/permalinks.ts';
import type { TargetSummary, ReadSummaries } from './target-summaries.ts';

/** What a Home tab is drawn from. Without what may change something it shows the targets alone. */
export interface HomeSources {
  readonly readSummaries: ReadSummaries;
  readonly changes?: {
    readonly approvals: Pick<Approvals, 'list' | 'mayVote' | 'stopped'>;
    readonly places: Pick<Places, 'readPlace'>;
  };
  readonly incidents?: {
    readonly incidents: Pick<Incidents, 'list' | 'history'>;
    readonly board: Pick<IncidentBoard, 'placeOf'>;
    readonly log: Pick<IncidentLog, 'readRequestsSince'>;
  };
}

/** Something with a message of its own, and that message's address. */
export interface Linked<T> {
  readonly item: T;
  readonly url: string | undefined;
}

export interface EndedIncident extends Linked<Incident> {
  /** The changes made while it was open, oldest first. */
  readonly requests: readonly ApprovalRequest[];
}

/** Everything one person sees on their Home tab. */
export interface HomeFacts {
  readonly readAtMs: number;
  readonly summaries: readonly TargetSummary[];
  /** The emergency stop that holds now. */
  readonly stop: Stop | null;
  /** Proposals this person's vote counts for. */
  readonly votable: readonly Linked<ApprovalRequest>[];
  /** How many others wait for somebody else. */
  readonly othersWaiting: number;
  readonly incidents: readonly Linked<Incident>[];
  readonly openIncidents: number;
  readonly ended: readonly EndedIncident[];
  /** Why incidents and proposals could not be read, in sentences. */
  readonly problems: readonly string[];
}

/** What fits a screen; each of them costs a question to the journal or to Slack. */
const most = { proposals: 20, incidents: 10, ended: 5 } as const;

interface Reading {
  readonly actor: Actor;
  readonly clock: Pick<Clock, 'now'>;
  readonly readPermalink: ReadPermalink;
}

/** Reads a person's Home tab: no check of any target, and a bounded number of questions. */
export async function readHome(sources: HomeSources, reading: Reading): Promise<HomeFacts> {
  const [changes, incidents] = await Promise.all([
    readChanges(sources, reading).catch((error: unknown) => withoutJournal(noChanges, error)),
    readIncidents(sources, reading).catch((error: unknown) => withoutJournal(noIncidents, error)),
  ]);
  const problems = [...new Set([...changes.problems, ...incidents.problems])];
  const readAtMs = reading.clock.now();
  return { readAtMs, summaries: sources.readSummaries(), ...changes, ...incidents, problems };
}

/** The targets are shown whether or not the journal can be read. */
function withoutJournal<T extends object>(nothing: T, error: unknown): T & Problems {
  if (!(error instanceof JournalUnavailable)) throw error;
  return { ...nothing, problems: [error.message] };
}

type Problems = Pick<HomeFacts, 'problems'>;
type ChangeFacts = Pick<HomeFacts, 'stop' | 'votable' | 'othersWaiting'> & Problems;
const noChanges: ChangeFacts = {
  stop: null,
  votable: [],
  othersWaiting: 0,
  problems: [],
};

async function readChanges(
  { changes }: HomeSources,
  { actor, clock, readPermalink }: Reading,
): Promise<ChangeFacts> {
  if (changes === undefined) return noChanges;
  const { approvals, places } = changes;
  const [listed, stopped] = await Promise.all([approvals.list(), approvals.stopped()]);
  if (!listed.ok) return { ...noChanges, problems: problemsOf([listed]) };
  const link = async (item: ApprovalRequest): Promise<Linked<ApprovalRequest>> => ({
    item,
    url: await readPermalink(await places.readPlace(item.id)),
  });
  const waiting = listed.value.filter(
    (request) => request.state === 'proposed' && !isExpired(request, clock.now()),
  );
  const judged = await Promise.all(
    waiting.slice(0, most.proposals).map(async (request) => ({
      request,
      may: (await approvals.mayVote(request, actor)).ok,
    })),
  );
  const votable = judged.filter(({ may }) => may).map(({ request }) => request);
  return {
    stop: stopped.ok ? stopped.value : null,
    votable: await Promise.all(votable.map(link)),
    othersWaiting: waiting.length - votable.length,
    problems: problemsOf([stopped]),
  };
}

type IncidentFacts = Pick<HomeFacts, 'incidents' | 'openIncidents' | 'ended'> & Problems;
const noIncidents: IncidentFacts = { incidents: [], openIncidents: 0, ended: [], problems: [] };

async function readIncidents(
  { incidents: source }: HomeSources,
  { readPermalink }: Reading,
): Promise<IncidentFacts> {
  if (source === undefined) return noIncidents;
  const { incidents, board, log } = source;
  const [open, all] = await Promise.all([incidents.list(), incidents.history()]);
  if (!open.ok || !all.ok) return { ...noIncidents, problems: problemsOf([open, all]) };
  const link = async (item: Incident): Promise<Linked<Incident>> => ({
    item,
    url: await readPermalink(await board.placeOf(item.id)),
  });
  const ended = all.value.filter(({ state }) => state === 'resolved').slice(0, most.ended);
  return {
    incidents: await Promise.all(open.value.slice(0, most.incidents).map(link)),
    openIncidents: open.value.length,
    ended: await Promise.all(
      ended.map(async (incident) => {
        const requests = await readRequestsOf(log, incident);
        return { ...(await link(incident)), requests };
      }),
    ),
    problems: [],
  };
}

function problemsOf(answers: readonly Answer<unknown>[]): string[] {
  return answers.flatMap((answer) => (answer.ok ? [] : [answer.refusal.next]));
}
