import type { WebClient } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Approvals } from '../../runbook/approvals/approvals.ts';
import type { Journal } from '../../runbook/approvals/journal.ts';
import type { Announcements } from '../../runbook/approvals/notices.ts';
import type { Actor } from '../../runbook/approvals/request.ts';
import type { Check } from '../../runbook/diagnose/doctor.ts';
import type { EscalatePorts } from '../../runbook/escalation/escalate.ts';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
import type { TargetMonitor } from '../../runbook/loop/target-monitor.ts';
import type { IncidentBoard } from '../../runbook/reports/incident-board.ts';
import type { Records } from '../../runbook/reports/reporter.ts';
import type { Target } from '../../runbook/snapshot/target.ts';
import type { Cards } from '../live/request-cards.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice } from '../messages/notice.ts';
import type { Answer, Asker, Modals } from './answer.ts';
import type { DoctorSlack } from './doctor-slack.ts';
import type { ReadNames } from '../live/names.ts';
import type { InFlight, ReplyTimeouts } from './in-flight.ts';

/** What may change something, and where people hear of it. */
export interface Changes {
  readonly approvals: Approvals;
  readonly journal: Pick<Journal, 'record'>;
  readonly cards: Cards;
  readonly announcements: Announcements;
  /** For a message of dbconn's that a press changes. */
  readonly readNames: ReadNames;
  readonly incidents: Incidents;
  /** What the journal holds of those that were. */
  readonly records: Records;
  /** Where their messages stand: a press counts on an incident's own message alone. */
  readonly board: Pick<IncidentBoard, 'placeOf'>;
  /** What wakes people for a target without an incident; undefined where nothing is configured. */
  readonly pagingOf: (target: string) => EscalatePorts['paging'];
  /** For doctor: the journal, and whether those whom a target's incidents call can be reached. */
  readonly checkAround: (target: string) => Promise<readonly Check[]>;
}

/** What every listener works with. */
export interface CommandDeps extends Changes {
  readonly monitor: TargetMonitor;
  readonly client: WebClient;
  readonly answer: Answer;
  readonly doctorSlack: DoctorSlack;
  readonly modals: Modals;
  readonly inFlight: InFlight;
  readonly replyTimeouts: ReplyTimeouts;
  /** The incident channel's id. */
  readonly channel: string | undefined;
  readonly log: Logger;
}

/** Somebody who typed or pressed something, and what answering them takes. */
export interface Interaction extends CommandDeps {
  readonly asker: Asker;
  /** The same person, as approvals know people. */
  readonly actor: Actor;
  /** That the time is up: say goodbye and end. */
  readonly signal: AbortSignal;
}

/** Works on a target, where it is configured. */
export async function onTarget(
  { monitor }: CommandDeps,
  name: string,
  work: (target: Target) => Promise<Message>,
): Promise<Message> {
  const target = monitor.targets.find((candidate) => candidate.name === name);
  if (target === undefined) return notice('No target is configured. Add one to dbconn.yml.');
  return work(target);
}
