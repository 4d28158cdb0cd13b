import { isoNow } from '../../timing.ts';
import { changeIncident } from '../incidents/change.ts';
import type { Decision } from '../incidents/change.ts';
import type { Note } from '../incidents/incident-log.ts';
import type { Incident } from '../incidents/incident.ts';
import { roleNames } from '../incidents/rules.ts';
import type { Escalation } from '../incidents/rules.ts';
import { capital } from '../snapshot/words.ts';
import {
  callChannelName,
  callChannelsTo,
  chooseCallChannel,
  mostTries,
  toHeadline,
} from './channels.ts';
import type { CallChannel } from './channels.ts';
import { attempt, changed, contactsOf } from './escalator-deps.ts';
import type { Calling } from './escalator-deps.ts';
import { toPage } from './pager-updates.ts';
import { PagerRefused } from './ports.ts';

interface Sending extends Calling {
  readonly isWorkedOn: boolean;
}

/**
 * Makes one call. `sending` is in the journal before it goes out, with how often it was tried, and what came of it
 * after: a process that finds `sending` there knows that it may have gone out. Returns the incident as it then stands.
 */
export async function sendEscalation(calling: Sending, due: Escalation): Promise<Incident> {
  const { deps, view } = calling;
  const callChannels = callChannelsOf(calling, due);
  const callChannel = chooseCallChannel(callChannels, due);
  if (callChannel === undefined) return giveUp(calling, due);
  const mayStand = due.tries > 0 && due.via === callChannel.via;
  const isCutOff = mayStand && due.state === 'sending';
  const tries = mayStand ? due.tries + (isCutOff ? 0 : 1) : 1;
  const begun: Escalation = { ...due, via: callChannel.via, state: 'sending', tries };
  const before = await writeBegun(calling, due, begun);
  if (!before.escalations.some((one) => isSame(one, begun))) return before;
  if (due.tries === 0) deps.meter.escalation('due');
  const made = await attempt(calling, due.id, () =>
    send({ ...calling, view: { ...view, incident: before } }, { callChannel, begun, mayStand }),
  );
  if (!made.isDone) return writeFailed(calling, { begun, callChannel, callChannels }, made.error);
  deps.meter.escalation('sent');
  const sent: Escalation = { ...begun, state: 'sent', sentAt: isoNow(deps.clock) };
  const note: Note = {
    kind: 'incident-escalated',
    sentence: `Notified ${roleNames[due.who]} ${callChannelName(callChannel)}.`,
    facts: { step: due.id, via: callChannel.via, reasons: begun.reasons },
  };
  return write(calling, { escalation: sent, note });
}

/** What was written is what is sent: where it could not be written, nothing goes out. */
function isSame(one: Escalation, { id, via, tries }: Escalation): boolean {
  return one.id === id && one.state === 'sending' && one.via === via && one.tries === tries;
}

function callChannelsOf({ deps, view }: Sending, { who }: Escalation): CallChannel[] {
  const { contacts } = contactsOf(deps, view.incident);
  const pager = deps.pagerOf(view.incident.target);
  return callChannelsTo(who, { contacts, channel: deps.channel, pager });
}

interface Message {
  readonly callChannel: CallChannel;
  readonly begun: Escalation;
  /** It was begun before, and may have gone out. */
  readonly mayStand: boolean;
}

async function send(calling: Sending, { callChannel, begun, mayStand }: Message): Promise<void> {
  const { deps, view, isWorkedOn } = calling;
  const { incident } = view;
  const nowMs = deps.clock.now();
  if (callChannel.via === 'pager') {
    const { links } = contactsOf(deps, incident);
    await callChannel.pager.page(toPage('trigger', { view, links, reasons: begun.reasons, nowMs }));
    return;
  }
  const place = callChannel.via === 'channel' ? await deps.board.placeOf(incident.id) : undefined;
  const lateAfterMs = deps.rules.overdueAfterMs;
  await deps.announcements.announce({
    to: callChannel.to,
    mention: callChannel.mention,
    headline: toHeadline({ view, escalation: begun, nowMs, lateAfterMs, isWorkedOn }),
    quote: begun.quote,
    key: `${incident.id}/${begun.id}/${callChannel.via}`,
    mayStand,
    ...(place?.channel === callChannel.to && { thread: place.ts }),
  });
}

function writeBegun(calling: Sending, due: Escalation, begun: Escalation): Promise<Incident> {
  const decide = ({ state, escalations, pager }: Incident): Decision => {
    const known = escalations.find(({ id }) => id === due.id);
    // Over by now, or somebody else was quicker.
    if (state !== 'open' || known?.state === 'sent') return null;
    const facts = { step: begun.id, via: begun.via, tries: begun.tries };
    return {
      state,
      change: {
        escalations: keep(escalations, begun),
        // From now on a page may stand open: the process that finds this after a crash has to see to its end.
        pager: begun.via === 'pager' ? 'triggered' : pager,
      },
      note: { kind: 'incident-escalating', sentence: null, facts },
    };
  };
  return changed(calling, changeIncident(calling.deps, calling.view.incident.id, decide));
}

interface Failure {
  readonly begun: Escalation;
  readonly callChannel: CallChannel;
  readonly callChannels: readonly CallChannel[];
}

/** The thread hears of the first refusal, and of another way that is taken; not of each try. */
function writeFailed(
  calling: Sending,
  { begun, callChannel, callChannels }: Failure,
  error: unknown,
): Promise<Incident> {
  const { deps, memory } = calling;
  deps.meter.escalation('failed');
  const isRefused = error instanceof PagerRefused && !error.mayPass;
  const tries = isRefused ? Math.max(begun.tries, mostTries[callChannel.via]) : begun.tries;
  const failed: Escalation = { ...begun, state: 'failed', tries };
  const next = chooseCallChannel(callChannels, failed);
  const goesElsewhere = next !== undefined && next.via !== callChannel.via;
  if (goesElsewhere) memory.pauses.end(begun.id);
  const why = error instanceof PagerRefused ? error.message : 'Slack did not accept it.';
  const who = capital(roleNames[begun.who]);
  const instead = goesElsewhere ? ` Notifying them ${callChannelName(next)} instead.` : '';
  const sentence = `${who} could not be notified ${callChannelName(callChannel)}. ${why}${instead}`;
  const note: Note = {
    kind: 'incident-escalating',
    sentence: goesElsewhere || begun.tries === 1 ? sentence : null,
    facts: { step: begun.id, via: callChannel.via, tries: begun.tries },
  };
  // What was refused for good did not go out: the pager knows what it knew before.
  const { pager } = calling.view.incident;
  return write(calling, { escalation: failed, note, ...(isRefused && { pager: { pager } }) });
}

/** Nobody is configured: said once, and not tried until that changed. */
async function giveUp(calling: Sending, due: Escalation): Promise<Incident> {
  if (due.state === 'failed') return calling.view.incident;
  calling.deps.meter.escalation('failed');
  const who = capital(roleNames[due.who]);
  const note: Note = {
    kind: 'incident-escalating',
    sentence: `${who} cannot be notified: set contacts, slack.channel or pager in dbconn.yml.`,
    facts: { step: due.id },
  };
  return write(calling, { escalation: { ...due, state: 'failed' }, note });
}

interface Writing {
  readonly escalation: Escalation;
  readonly note: Note;
  readonly pager?: Pick<Incident, 'pager'>;
}

function write(calling: Sending, { escalation, note, pager }: Writing): Promise<Incident> {
  const decide = ({ state, escalations }: Incident): Decision => ({
    state,
    change: { escalations: keep(escalations, escalation), ...pager },
    note,
  });
  return changed(calling, changeIncident(calling.deps, calling.view.incident.id, decide));
}

function keep(escalations: readonly Escalation[], one: Escalation): Escalation[] {
  const isKnown = escalations.some(({ id }) => id === one.id);
  return isKnown
    ? escalations.map((escalation) => (escalation.id === one.id ? one : escalation))
    : [...escalations, one];
}
