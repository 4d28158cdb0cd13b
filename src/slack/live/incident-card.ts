import { WebAPIPlatformError, WebAPIRateLimitedError } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Place } from '../../runbook/approvals/notices.ts';
import type { IncidentLog } from '../../runbook/incidents/incident-log.ts';
import type { IncidentView } from '../../runbook/incidents/incidents.ts';
import type { IncidentMark, IncidentMarks } from '../../runbook/reports/incident-board.ts';
import type { WrittenIncident } from '../messages/incident-card.ts';
import { isForThread, linesAtOnce, noteLines } from '../messages/incident-card.ts';
import type { CardIntervals } from './outbox.ts';
import { Rounds } from './rounds.ts';
import { edit, isLost, post, remove } from './writer.ts';
import type { SlackWriter } from './writer.ts';

export interface CardParts {
  readonly writer: SlackWriter;
  readonly log: Pick<IncidentLog, 'readNotes'>;
  readonly marks: IncidentMarks;
  /** The incident channel's id; without one nothing can be posted. */
  readonly channel: string | undefined;
  /** What its message says; `isReplacement` where it replaces one that was deleted. */
  readonly write: (view: IncidentView, isReplacement: boolean) => Promise<WrittenIncident>;
  readonly intervals: CardIntervals;
  /** Whether this process leads at this moment: after a pause of its machine another one may. */
  readonly isLeading: () => boolean;
  /** How many times slower figures are written because many incidents share Slack's limit. */
  readonly slowdown: () => number;
  readonly logger: Logger;
}

/**
 * The live message of one incident, and its thread. Whatever happens while Slack is slow is gathered: the message is
 * then written once with the latest state, and the notes go into the thread in their order, several in one reply.
 */
export class IncidentCard {
  readonly #parts: CardParts;
  readonly #writer: SlackWriter;
  #view: IncidentView;
  #place: Place | undefined;
  /** The message that this one was posted instead of. */
  #gone: Place | undefined;
  #upTo = 0;
  #lastTs: string | null = null;
  /** Whether what stands in Slack was made out: not at first, and not after a call whose end nobody knows. */
  #isSure = false;
  #isReplacement = false;
  /** Another process may speak, and this one does not until something is shown again. */
  #isDoubted = false;
  #contentKey: string | undefined;
  #wroteAtMs = Number.NEGATIVE_INFINITY;
  readonly #rounds = new Rounds({
    write: () => this.#run(),
    retryAfter: (error, failures) => this.#retryAfter(error, failures),
  });

  constructor(view: IncidentView, parts: CardParts) {
    this.#view = view;
    this.#writer = parts.writer;
    const mayWrite = (): boolean => this.#isSure && parts.isLeading();
    this.#parts = { ...parts, writer: writeWhile(mayWrite, parts.writer) };
    this.#rounds.dueIn(0);
  }

  get view(): IncidentView {
    return this.#view;
  }

  get place(): Place | undefined {
    return this.#place;
  }

  /** Whether Slack has not heard everything. */
  get isBehind(): boolean {
    return !this.#rounds.isIdle;
  }

  show(view: IncidentView): void {
    // Shown out of order by a slow look: what is newer stands already.
    if (view.incident.version < this.#view.incident.version) return;
    const isUrgent = urgencyKeyOf(view) !== urgencyKeyOf(this.#view);
    this.#view = view;
    this.#isDoubted = false;
    const { urgentMs, figuresMs } = this.#parts.intervals;
    this.#rounds.dueIn(isUrgent ? urgentMs : figuresMs * this.#parts.slowdown());
  }

  /** Writes what was put off, now, and waits for it. */
  idle(): Promise<void> {
    return this.#rounds.idle();
  }

  /** Another process may speak now. What was put off is left to it. */
  doubt(): void {
    this.#isDoubted = true;
    this.#isSure = false;
    this.#rounds.cancel();
  }

  close(): void {
    this.#rounds.stop();
  }

  #retryAfter(err: unknown, failures: number): number | undefined {
    const { logger, intervals } = this.#parts;
    // Slack's own refusal is no doubt; anything else may have been taken all the same.
    if (!(err instanceof WebAPIPlatformError) && !(err instanceof WebAPIRateLimitedError)) {
      this.#isSure = false;
    }
    if (this.#isDoubted) return undefined;
    const againMs = Math.min(intervals.retryMs * 2 ** (failures - 1), intervals.longestRetryMs);
    const { id: incident } = this.#view.incident;
    logger.warn({ err, incident, againMs }, 'Slack did not accept an update of an incident');
    return againMs;
  }

  /** The message first, then the thread. */
  async #run(): Promise<void> {
    const { channel } = this.#parts;
    // Doctor says that no channel is configured.
    if (channel === undefined && this.#place === undefined) return;
    if (!this.#isSure) await this.#findOut();
    if (this.#isDoubted) return;
    await this.#write();
    try {
      while (await this.#tellNext());
    } catch (error) {
      if (!isLost(error)) throw error;
      await this.#forget();
    }
  }

  /** What the process before this one said, as the journal and Slack know it. */
  async #findOut(): Promise<void> {
    const mark = await this.#parts.marks.readMark(this.#view.incident.id);
    // Another process may have gone further, or posted it again.
    if (mark !== undefined && mark.upTo >= this.#upTo) this.#adopt(mark);
    this.#contentKey = undefined;
    this.#place ??= await this.#findMessage();
    if (this.#place !== undefined) await this.#findTold(this.#place);
    this.#isSure = true;
  }

  #adopt({ place, upTo, lastTs }: IncidentMark): void {
    this.#place = place;
    this.#upTo = upTo;
    this.#lastTs = lastTs;
  }

  /** Its message in the channel, the newest there is after that one. */
  async #findMessage(after?: Place): Promise<Place | undefined> {
    const { writer, channel } = this.#parts;
    const { id, openedAt } = this.#view.incident;
    if (channel === undefined) return undefined;
    const postedMessages = await writer.postedMessages.inChannel(channel, openedAt);
    const found = postedMessages?.find(
      ({ key, ts }) => key === id && Number(ts) > Number(after?.ts ?? 0),
    );
    return found === undefined ? undefined : { channel, ts: found.ts };
  }

  async #findTold(place: Place): Promise<void> {
    const start = `${this.#view.incident.id}:`;
    try {
      const postedMessages =
        (await this.#parts.writer.postedMessages.inThread(place, this.#lastTs ?? undefined)) ?? [];
      for (const { key, ts } of postedMessages.filter((one) => one.key.startsWith(start))) {
        const upTo = Number(key.slice(start.length));
        if (!Number.isSafeInteger(upTo) || upTo <= this.#upTo) continue;
        this.#upTo = upTo;
        this.#lastTs = ts;
      }
    } catch (error) {
      if (!isLost(error)) throw error;
      await this.#lose(place);
    }
  }

  /** Its message is gone. It may have been posted again already, just before a crash or with an answer that was lost. */
  async #lose(gone: Place): Promise<void> {
    this.#isReplacement = true;
    this.#gone = gone;
    this.#lastTs = null;
    this.#place = await this.#findMessage(gone);
    if (this.#place !== undefined) await this.#findTold(this.#place);
  }

  async #write(): Promise<void> {
    const { write, intervals } = this.#parts;
    const { message, contentKey } = await write(this.#view, this.#isReplacement);
    const isSame = contentKey === this.#contentKey;
    const isFresh = performance.now() - this.#wroteAtMs < intervals.refreshMs;
    if (this.#place !== undefined && isSame && isFresh) return;
    if (!(await this.#edit(message)) && !(await this.#post())) {
      await this.#write();
      return;
    }
    this.#contentKey = contentKey;
    this.#wroteAtMs = performance.now();
  }

  /** False where there is no message to edit. */
  async #edit(message: WrittenIncident['message']): Promise<boolean> {
    const place = this.#place;
    if (place === undefined) return false;
    if (await edit(this.#parts.writer, message, place)) return true;
    await this.#lose(place);
    return this.#edit(message);
  }

  /** False where another process posted it in the same moment and recorded it first: then this one is taken away. */
  async #post(): Promise<boolean> {
    const { write, writer, channel, marks } = this.#parts;
    if (channel === undefined) throw new Error('No incident channel is configured.');
    const { message } = await write(this.#view, this.#isReplacement);
    const { id } = this.#view.incident;
    const ts = await post(writer, message, { channel, key: id });
    this.#place = { channel, ts };
    this.#lastTs = null;
    await this.#mark();
    const recordedMark = await marks.readMark(id).catch(() => undefined);
    if (recordedMark === undefined || [ts, this.#gone?.ts].includes(recordedMark.place.ts))
      return true;
    this.#adopt(recordedMark);
    // Not by the writer that is silent as long as another process speaks.
    await remove(this.#writer, { channel, ts });
    return false;
  }

  /** Its message is gone with its thread: both begin again. */
  async #forget(): Promise<void> {
    this.#gone = this.#place;
    this.#place = undefined;
    this.#isReplacement = true;
    await this.#write();
    while (await this.#tellNext());
  }

  /** Tells the thread what it has not heard, as much as fits one reply. False where there is nothing left. */
  async #tellNext(): Promise<boolean> {
    const { log, writer } = this.#parts;
    const { incident } = this.#view;
    const notes = await log.readNotes(incident.id, this.#upTo);
    const spoken = notes.filter(isForThread);
    const chunk = spoken.slice(0, linesAtOnce);
    const last = chunk.at(-1);
    if (last === undefined || this.#place === undefined) {
      // Notes without a sentence may be large: they are read once.
      this.#upTo = notes.at(-1)?.seq ?? this.#upTo;
      return false;
    }
    const where = { thread: this.#place, key: `${incident.id}:${last.seq}` };
    this.#lastTs = await post(writer, noteLines(incident, chunk), where);
    this.#upTo = last.seq;
    await this.#mark();
    return true;
  }

  /** What Slack took is known here and in Slack itself, whether or not the journal can be written. */
  async #mark(): Promise<void> {
    if (this.#place === undefined) return;
    const { marks, logger } = this.#parts;
    const { id: incident } = this.#view.incident;
    const mark = { place: this.#place, upTo: this.#upTo, lastTs: this.#lastTs };
    await marks
      .writeMark(incident, mark, this.#gone)
      .catch((err: unknown) =>
        logger.warn({ err, incident }, 'The state of an incident thread could not be recorded'),
      );
  }
}

/**
 * A process that stood still, as a paused machine does, wakes up in the middle of its words, and another one may have
 * said them since. So each writing asks right before it goes out, however long it waited in the outbox.
 */
function writeWhile(mayWrite: () => boolean, writer: SlackWriter): SlackWriter {
  const send: SlackWriter['outbox']['send'] = (call, repeatable) =>
    writer.outbox.send(() => {
      if (mayWrite()) return call();
      throw new Error('Another process may have posted: what is in Slack is read again.');
    }, repeatable);
  return { ...writer, outbox: { ...writer.outbox, send } };
}

/** What people wait for; all else of a view is figures that change with every look. */
function urgencyKeyOf({ incident, diagnosis, requests, ineffective }: IncidentView): string {
  const requestVersions = requests.map(({ id, version }) => `${id} ${version}`);
  const observed = [diagnosis?.state, diagnosis?.reach.via === 'none', diagnosis === null];
  return JSON.stringify([
    incident.version,
    requestVersions,
    ineffective.map(({ sentence }) => sentence),
    observed,
  ]);
}
