import { randomUUID } from 'node:crypto';
import type { Context } from '@slack/bolt';
import type { Logger } from 'pino';
import type { Approvals } from '../../runbook/approvals/approvals.ts';
import type { Journal } from '../../runbook/approvals/journal.ts';
import type { Announcements } from '../../runbook/approvals/notices.ts';
import type { Actor } from '../../runbook/approvals/request.ts';
import type { Check } from '../../runbook/diagnose/doctor.ts';
import type { EscalatePorts } from '../../runbook/escalation/escalate.ts';
import type { Incidents } from '../../runbook/incidents/incidents.ts';
import type { Runbook } from '../../runbook/loop/target-monitor.ts';
import { refuse } from '../../runbook/remedies/remedy.ts';
import type { IncidentBoard } from '../../runbook/reports/incident-board.ts';
import type { Records } from '../../runbook/reports/reporter.ts';
import { isUnremembered } from '../connection/http.ts';
import type { Cards } from '../live/request-cards.ts';
import type { Message } from '../messages/kit/message.ts';
import { notice } from '../messages/notice.ts';
import type { Answer, Asker, Modals } from './answer.ts';
import type { DoctorSlack } from './doctor-slack.ts';
import { waitFor } from './in-flight.ts';
import type { InFlight, ReplyTimeouts } from './in-flight.ts';

/** What a dbconn needs that may change something: the one door, and where people hear of it. */
export interface Changes {
  readonly approvals: Approvals;
  readonly journal: Pick<Journal, 'record'>;
  readonly cards: Cards;
  readonly announcements: Announcements;
  /** Absent where no incidents are kept. */
  readonly incidents?: Incidents;
  /** What the journal holds of those that were; absent as `incidents` is. */
  readonly records?: Records;
  /** Where their messages stand: a press counts on an incident's own message alone. */
  readonly board?: Pick<IncidentBoard, 'placeOf'>;
  /** What wakes people for a target without an incident; absent where nothing is configured. */
  readonly pagingOf?: (target: string) => EscalatePorts['paging'];
  /** Whether whoever a target's incidents call can be reached; absent as `incidents` is. */
  readonly checkCalls?: (target: string) => readonly Check[];
}

/** What every listener works with. */
export interface CommandDeps {
  readonly runbook: Runbook;
  /** Absent where dbconn only looks. */
  readonly changes: Changes | undefined;
  readonly answer: Answer;
  readonly doctorSlack: DoctorSlack;
  readonly modals: Modals;
  readonly inFlight: InFlight;
  readonly replyTimeouts: ReplyTimeouts;
  /** The incident channel's id. */
  readonly channel: string | undefined;
  readonly log: Logger;
}

/** Somebody about to set something in motion, and what that takes. */
export interface ActionContext {
  readonly deps: CommandDeps;
  readonly changes: Changes;
  readonly actor: Actor;
}

/**
 * What a listener works with for one request. Where the journal could not remember the request, somebody who captured
 * it could send it again: it may look, stop and call for help, and decides nothing.
 */
export function depsFor(deps: CommandDeps, context: Context): CommandDeps {
  const { changes } = deps;
  if (changes === undefined || !isUnremembered(context)) return deps;
  const { approvals, incidents } = changes;
  return {
    ...deps,
    changes: {
      ...changes,
      approvals: { ...approvals, ...undecidedApprovals },
      ...(incidents !== undefined && { incidents: { ...incidents, ...undecidedIncidents } }),
    },
  };
}

const refused = (): Promise<ReturnType<typeof refuse>> =>
  Promise.resolve(
    refuse(
      'not-recorded',
      'Nothing was done, because the journal could not be written.',
      'Try again in a moment; /dbconn doctor says what is wrong with it.',
    ),
  );

const undecidedApprovals: Partial<Approvals> = {
  propose: refused,
  approve: refused,
  deny: refused,
  withdraw: refused,
  undo: refused,
  breakGlass: refused,
  go: refused,
};

const undecidedIncidents: Partial<Incidents> = {
  open: refused,
  assign: refused,
  silence: refused,
  unsilence: refused,
  merge: refused,
  resolve: refused,
  reopen: refused,
  tick: refused,
};

/** Something that takes as long as a look does, and how it is spoken of. */
interface Task {
  readonly work: () => Promise<Message>;
  /** `looking at orders`, as in: dbconn failed while looking at orders. */
  readonly doing: string;
  /** `look at orders`, as in: the look at orders did not end. */
  readonly name: string;
  /** What to try when it does not end: `/dbconn doctor orders`. */
  readonly otherwise: string;
  readonly signal: AbortSignal;
}

interface Answered {
  readonly message: Message;
  /** False for words about the task instead of its answer. */
  readonly isAnswer: boolean;
}

/** The answer to a task; whatever goes wrong or takes long becomes a sentence that says what to do next. */
export async function answerInTime(deps: CommandDeps, asker: Asker, task: Task): Promise<Answered> {
  const { log, replyTimeouts } = deps;
  const { doing, name, otherwise, signal } = task;
  const say = (text: string): Answered => ({ message: notice(text), isAnswer: false });
  try {
    const work = task.work();
    const onSlow = (): Promise<void> => saySlow(deps, asker, doing);
    const waited = await waitFor({ work, replyTimeouts, signal, onSlow });
    if (waited.kind === 'done') return { message: waited.value, isAnswer: true };
    // The work goes on without an audience; its failure must not end the process.
    work.catch((err: unknown) => log.warn({ err, doing }, 'An abandoned task failed'));
    return say(
      waited.kind === 'stopped'
        ? `dbconn was stopped before its ${name} was done. Ask again in a minute.`
        : `The ${name} did not end within ${replyTimeouts.giveUpAfterMs / 1000} s. Try ${otherwise}, and go on by hand with the runbook.`,
    );
  } catch (err) {
    const reference = randomUUID().slice(0, 8);
    log.error({ err, reference, doing }, 'A task failed');
    return say(
      `dbconn failed while ${doing}; this is a fault of dbconn, not of the database. Its log says why under ${reference}. Try again, and go on by hand with the runbook meanwhile.`,
    );
  }
}

async function saySlow({ answer, log }: CommandDeps, asker: Asker, doing: string): Promise<void> {
  const text = `Still ${doing}; this takes longer than it should. The answer follows here.`;
  await answer(asker, 'caller', notice(text)).catch((err: unknown) =>
    log.warn({ err }, 'A word of patience was not delivered'),
  );
}
