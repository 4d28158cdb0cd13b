import type { Diagnosis, LeakSuspect } from '../../runbook/diagnose/diagnosis.ts';
import {
  findHidden,
  groupWaiters,
  isTransaction,
  namePids,
  summariseBlocking,
  summariseIdle,
  summariseSessions,
} from '../../runbook/diagnose/groups.ts';
import type { WaitGroup } from '../../runbook/diagnose/groups.ts';
import { count, toAge } from '../../runbook/snapshot/words.ts';
import { blockersList, sessionsTable, sourcesTable } from './diagnosis-parts.ts';
import { framed, reachNotice } from './frame.ts';
import type { View } from './frame.ts';
import type { Message, MessageBlock } from './kit/message.ts';
import {
  between,
  bold,
  code,
  paragraph,
  plain,
  pointsOf,
  rich,
  richText,
  titledList,
} from './kit/rich-text.ts';
import type { Leaf } from './kit/rich-text.ts';

/** What the role may not see, and the command that lets it. */
function hiddenNotice(diagnosis: Diagnosis): MessageBlock[] {
  const { summary, fix = '' } = findHidden(diagnosis) ?? {};
  return summary === undefined
    ? []
    : [richText(paragraph(rich`${summary} ${bold('Fix:')} ${code(fix)}`))];
}

/** The root blockers, and who waits directly for whom. */
export function blockingMessage(view: View): Message {
  const { diagnosis } = view;
  const summary = summariseBlocking(diagnosis);
  return framed(view, { lead: 'Blocking on', summary }, [
    ...reachNotice(diagnosis),
    ...hiddenNotice(diagnosis),
    ...blockersList(diagnosis, 10, 'Root blockers'),
    ...waitersList(diagnosis),
  ]);
}

const mostGroups = 15;

function waitersList({ blocking }: Diagnosis): MessageBlock[] {
  const { waiters, waitersTotal } = blocking;
  const points = pointsOf(groupWaiters(waiters), mostGroups, waitLeaves);
  const unlisted = waitersTotal - waiters.length;
  const more =
    unlisted > 0 && waiters.length > 0 ? [rich`and ${count(unlisted, 'more session')}`] : [];
  return titledList('Direct waits', [...points, ...more]);
}

/** `25 sessions wait behind 5098 on accounts, the longest for 3 min`. */
function waitLeaves({ pids, behind, relation, lock, longestSeconds }: WaitGroup): Leaf[] {
  const who = count(pids.length, 'session');
  const waits = pids.length === 1 ? 'waits' : 'wait';
  const age =
    longestSeconds === null
      ? ''
      : `, ${pids.length === 1 ? '' : 'the longest '}for ${toAge(longestSeconds)}`;
  return [
    ...rich`${bold(who)} ${plain(`${waits} behind`)} ${bold(namePids(behind, 3))}`,
    ...(relation === null && isTransaction(lock)
      ? rich` until its transaction ends`
      : rich` on ${code(relation ?? lock, 80)}`),
    ...rich`${between(`${age}. PIDs: `)}${plain(namePids(pids, 5))}`,
  ];
}

/** Sessions idle in transaction, and the statements after which they stopped. */
export function idleMessage(view: View): Message {
  const { diagnosis } = view;
  const idle = diagnosis.sessions.filter(({ state }) => state.startsWith('idle in transaction'));
  const summary = summariseIdle(diagnosis);
  return framed(view, { lead: 'Idle in transaction on', summary }, [
    ...reachNotice(diagnosis),
    ...hiddenNotice(diagnosis),
    ...titledList('Where they come from', diagnosis.leakSuspects.map(suspectLeaves)),
    ...sessionsTable(idle),
  ]);
}

function suspectLeaves(suspect: LeakSuspect): Leaf[] {
  const { application, sessions, oldestSeconds, hasWritten, query } = suspect;
  const wrote = hasWritten === 0 ? '' : `, ${hasWritten} wrote data`;
  return [
    ...rich`${bold(count(sessions, 'session'))} ${plain('of')} ${code(application, 60)}${plain(`, oldest ${toAge(oldestSeconds)}${wrote}`)}`,
    ...(query === null ? [] : rich`, after ${code(query, 300)}`),
  ];
}

/** Blockers, and the oldest connections, transactions and queries. */
export function sessionsMessage(view: View): Message {
  const { diagnosis } = view;
  const { sessions } = diagnosis;
  const summary = summariseSessions(diagnosis);
  return framed(view, { lead: 'Sessions of', summary }, [
    ...reachNotice(diagnosis),
    ...hiddenNotice(diagnosis),
    ...sessionsTable(sessions),
  ]);
}

/** Connections by user, application, client and database. */
export function sourcesMessage(view: View): Message {
  const { diagnosis } = view;
  const { capacity, sourcesTotal } = diagnosis;
  const summary =
    capacity === null
      ? 'The sessions could not be read.'
      : `${count(sourcesTotal, 'source holds', 'sources hold')} ${capacity.used} of ${count(capacity.usable, 'usable connection')}.`;
  return framed(view, { lead: 'Sources of', summary }, [
    ...reachNotice(diagnosis),
    ...sourcesTable(diagnosis),
  ]);
}
