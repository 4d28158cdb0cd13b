import { startPagerDuty } from '../../../sandbox/pagerduty/local-pagerduty.ts';
import type { LocalPagerDuty } from '../../../sandbox/pagerduty/local-pagerduty.ts';
import type { StoredJournal } from '../../../src/journal/stored-journal.ts';
import { createPagerDuty } from '../../../src/pagers/pagers.ts';
import type { EscalatorDeps } from '../../../src/runbook/escalation/escalator-deps.ts';
import { Escalator } from '../../../src/runbook/escalation/escalator.ts';
import type { EscalationStep } from '../../../src/runbook/incidents/rules.ts';
import { changeIncident } from '../../../src/runbook/incidents/change.ts';
import type {
  Incident,
  IncidentChange,
  IncidentState,
} from '../../../src/runbook/incidents/incident.ts';
import type { IncidentView } from '../../../src/runbook/incidents/incidents.ts';
import type { KeptNote, Note } from '../../../src/runbook/incidents/incident-log.ts';

import type { Contacts } from '../../../src/runbook/snapshot/target.ts';
import { buildIncident } from '../../journal/build-incident.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';
import { createWire } from '../../pagers/wire.ts';
import { HandClock, startedAtMs } from '../approvals/world.ts';
import type { Clock } from '../../../src/timing.ts';
import type { Announcement } from '../../../src/runbook/approvals/notices.ts';

export const minuteMs = 60_000;
export const routingKey = 'R0123456789ABCDEFGHIJKLMNOPQRSTU';
export const channel = 'CDATABASE';
export const contacts: Contacts = {
  databaseAdmins: 'SDBA',
  backendLead: 'ULEAD',
  onCall: 'UONCALL',
};

/** A caller's surroundings: a real journal, PagerDuty at the wire, and a Slack that keeps what it took. */
export interface Switchboard {
  readonly clock: HandClock;
  readonly journal: StoredJournal;
  readonly pagerDuty: LocalPagerDuty;
  /** What stands in Slack. */
  readonly messages: readonly Announcement[];
  /** Questions to assignees, by key. */
  readonly questions: ReadonlyMap<string, string>;
  readonly faults: unknown[];
  readonly counts: string[];
  /** Slack refuses so many messages from now on. */
  refuse(times: number, to?: string): void;
  /** A caller as a process has it that just started. */
  escalator(change?: Partial<EscalatorDeps>): Escalator;
  open(change: Partial<Incident>): Promise<Incident>;
  change(change: IncidentChange, state?: IncidentState, note?: Note): Promise<Incident>;
  /** One round of whoever tends the incident, with what is in the journal. */
  advance(escalator: Escalator, view?: Partial<Omit<IncidentView, 'incident'>>): Promise<Incident>;
  /** So many rounds, with that between two of them. */
  rounds(escalator: Escalator, times: number, everyMs: number): Promise<Incident>;
  read(): Promise<Incident>;
  notes(): Promise<readonly KeptNote[]>;
  close(): Promise<void>;
}

const id = buildIncident().id;

export async function openSwitchboard(): Promise<Switchboard> {
  const folder = makeJournalFolder();
  const clock = new HandClock();
  const journal = await folder.open({ clock });
  const pagerDuty = await startPagerDuty({ routingKey, now: () => clock.now() });
  // The pager's pauses pass at once; the caller's patience with it does not run out unless a test says so.
  clock.stands = true;
  const hurried: Clock = {
    now: () => clock.now(),
    sleep: (ms) => Promise.resolve(void (clock.nowMs += ms)),
  };
  const pager = createPagerDuty({
    ...createWire(),
    clock: hurried,
    routingKey,
    url: pagerDuty.url,
  });
  const slack = createHandSlack();
  const faults: unknown[] = [];
  const counts: string[] = [];
  const ports: EscalatorDeps = {
    log: journal,
    announcements: slack.announcements,
    board: slack.board,
    clock,
    rules: { askAgainAfterMs: 30 * minuteMs, overdueAfterMs: minuteMs },
    meter: { escalation: (what) => void counts.push(what) },
    channel,
    targets: [{ name: 'shop', contacts, links: { guides: [] } }],
    pagerOf: () => pager,
    onFault: (_id, error) => void faults.push(error),
  };
  const board: Switchboard = {
    clock,
    journal,
    pagerDuty,
    messages: slack.messages,
    questions: slack.questions,
    faults,
    counts,
    refuse: slack.refuse,
    escalator: (change = {}) => new Escalator({ ...ports, ...change }),
    async open(change) {
      const incident = buildIncident({ openedAt: new Date(startedAtMs).toISOString(), ...change });
      const body = { sentence: 'Opened.' };
      await journal.openIncident(incident, { incident: id, kind: 'incident-opened', body });
      return incident;
    },
    async change(change, state, note = { kind: 'incident-seen', sentence: null }) {
      const moved = await changeIncident({ log: journal }, id, (incident) => ({
        state: state ?? incident.state,
        change,
        note,
      }));
      if (!moved.ok) throw new Error(moved.refusal.why);
      return moved.value;
    },
    async advance(escalator, view = {}) {
      const incident = await board.read();
      return escalator.advance({
        incident,
        diagnosis: null,
        requests: [],
        ineffective: [],
        ...view,
      });
    },
    async rounds(escalator, times, everyMs) {
      for (let round = 1; round < times; round += 1) {
        await board.advance(escalator);
        clock.nowMs += everyMs;
      }
      return board.advance(escalator);
    },
    async read() {
      const incident = await journal.readIncident(id);
      if (incident === undefined) throw new Error('No incident was opened.');
      return incident;
    },
    notes: () => journal.readNotes(id, 0),
    async close() {
      await pagerDuty.close();
      folder.close();
    },
  };
  return board;
}

interface HandSlack extends Pick<EscalatorDeps, 'announcements' | 'board'> {
  readonly messages: readonly Announcement[];
  readonly questions: ReadonlyMap<string, string>;
  readonly refuse: (times: number, to?: string) => void;
}

/** Takes a message, and one that may stand already only if its key does not: as the real adapter does with metadata. */
function createHandSlack(): HandSlack {
  const messages: Announcement[] = [];
  const questions = new Map<string, string>();
  let refusals: { times: number; to: string | undefined } = { times: 0, to: undefined };
  return {
    messages,
    questions,
    refuse: (times, to) => {
      refusals = { times, to };
    },
    announcements: {
      announce(announcement) {
        const isRefused = refusals.to === undefined || refusals.to === announcement.to;
        if (refusals.times > 0 && isRefused) {
          refusals.times -= 1;
          return Promise.reject(new Error('Slack is away.'));
        }
        const stands =
          announcement.mayStand === true && messages.some(({ key }) => key === announcement.key);
        if (!stands) messages.push(announcement);
        return Promise.resolve();
      },
    },
    board: {
      ask(_incident, { key, sentence }) {
        questions.set(key, sentence);
        return Promise.resolve();
      },
      placeOf: () => Promise.resolve({ channel, ts: '1700000000.000100' }),
    },
  };
}

export function aStep(change: Partial<EscalationStep> = {}): EscalationStep {
  return { who: 'database-admins', afterMs: 0, when: [], unlessAssigned: false, ...change };
}
