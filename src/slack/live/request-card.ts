import { WebAPIPlatformError } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Stop } from '../../runbook/approvals/journal.ts';
import type { Place } from '../../runbook/approvals/notices.ts';
import { isOpen } from '../../runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { StepEntry, StepProgress } from '../../runbook/remedies/remedy.ts';
import type { Message } from '../messages/kit/message.ts';
import { smallPrint, toMessage } from '../messages/kit/message.ts';
import type { Leaf } from '../messages/kit/rich-text.ts';
import { follow, notBegun } from '../messages/plan.ts';
import type { RunProgress } from '../messages/plan.ts';
import {
  fullListMessages,
  progressLine,
  progressMessage,
  requestCard,
} from '../messages/request-card.ts';
import { cardKeyOf, endKeyOf, findCard } from './find-request-card.ts';
import type { CardPlaces } from './find-request-card.ts';
import { createFreshWriter } from './outbox.ts';
import type { FreshWriter, PauseDetector } from './outbox.ts';
import { edit, post, postOnce, remove } from './writer.ts';

/** More steps than this, unsent, are cut: the card and the journal tell them all the same. */
const mostLines = 200;

/** Between two writings of a card that only tell how far a step is: Slack takes 50 changes a minute. */
const betweenProgressMs = 3000;

/** After a writing that broke off; doubled each time. What is left after the last is for the rounds of the bot. */
const firstRetryMs = 1000;
const mostRetries = 5;

export interface CardsOptions extends CardPlaces {
  /** The end of the journal's chain, posted when a request ends so that a later forgery shows. */
  readonly readHead?: () => Promise<{ readonly seq: number; readonly hash: string }>;
  /** The steps of a request that were taken before this process knew of it. */
  readonly readSteps?: (request: string) => Promise<readonly StepEntry[]>;
  /** The request as it is now: another process may have gone on with it while this one stood still. */
  readonly readRequest?: (request: string) => Promise<ApprovalRequest | undefined>;
  readonly log: Logger;
}

interface CardOptions extends CardsOptions {
  readonly pauses: PauseDetector;
  /** Whether nobody can have posted it yet. */
  readonly isNew: boolean;
}

/**
 * The live message of one request. Whatever happens while Slack is slow is gathered: the message is then
 * written once with the latest state, and the steps go into its thread in their order, several in one reply.
 */
export class Card {
  readonly #options: CardOptions;
  readonly #onIdle: () => void;
  #request: ApprovalRequest;
  #place: Place | undefined;
  /** Whether what stands in Slack was made out: not at first, and not after a posting whose end nobody knows. */
  #isSure: boolean;
  /** Counts what the card should tell, and what it tells. */
  #wanted = 1;
  #shown = 0;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #course: RunProgress = notBegun;
  #courseReadFor = 0;
  #stop: Stop | null = null;
  #lines: (readonly Leaf[])[] = [];
  #list: readonly Message[] | undefined;
  #endTold = false;
  #running: Promise<void> | undefined;
  #problem: string | undefined;
  /** Writings that broke off one after the other. */
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  readonly #fresh: FreshWriter<CardOptions>;
  #knownAtMs = 0;

  constructor(request: ApprovalRequest, options: CardOptions, onIdle: () => void) {
    this.#request = request;
    this.#options = options;
    this.#fresh = createFreshWriter(options, options.pauses);
    this.#know(performance.now());
    this.#isSure = options.isNew;
    this.#onIdle = onIdle;
  }

  get request(): ApprovalRequest {
    return this.#request;
  }

  /** Why Slack did not take it, by Slack's own word. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether Slack has not heard everything. */
  get isBehind(): boolean {
    const isEndPending = this.#shown > 0 && !isOpen(this.#request) && !this.#endTold;
    return this.#wanted > this.#shown || this.#lines.length > 0 || isEndPending;
  }

  tell(request: ApprovalRequest, update?: StepProgress): void {
    // Something new is worth a writing at once, and soon again.
    this.#failures = 0;
    const line = progressLine(request, update);
    if (line !== undefined && this.#lines.length < mostLines) this.#lines.push(line);
    if (update !== undefined) this.#follow(update);
    this.show(request);
  }

  #follow(update: StepProgress): void {
    this.#course = follow(this.#course, update);
    const isSoon = performance.now() - this.#writtenAtMs < betweenProgressMs;
    // What is left out here is told with the next thing that happens.
    if (update.kind !== 'progress' || !isSoon) this.#wanted += 1;
  }

  /** Shows or takes away the emergency stop. */
  tellStop(stop: Stop | null): void {
    if (isSame(this.#stop, stop)) return;
    this.#stop = stop;
    // A card that was never written is about to be.
    if (!isOpen(this.#request) || this.#shown === 0) return;
    this.#wanted += 1;
    this.#start();
  }

  /** Shows a request as it now stands, without a word in the thread. */
  show(request: ApprovalRequest): void {
    if (request.version > this.#request.version) {
      this.#request = request;
      this.#know(performance.now());
      this.#wanted += 1;
    }
    if (this.isBehind) this.#start();
  }

  found(request: ApprovalRequest, place: Place): void {
    this.#place ??= place;
    // Somebody pressed a button that should not be there any more: this process may not know what was said.
    this.#wanted += 1;
    this.#isSure = false;
    this.show(request);
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  /** Tries no more by itself. */
  leave(): void {
    this.#failures = mostRetries;
    clearTimeout(this.#retry);
  }

  #start(): void {
    clearTimeout(this.#retry);
    this.#running ??= this.#run()
      .then(() => {
        this.#failures = 0;
      })
      .catch((err: unknown) => {
        this.#problem = err instanceof WebAPIPlatformError ? err.data.error : 'no answer';
        const { log } = this.#options;
        log.warn({ err, request: this.#request.id }, 'Slack does not take the news of a request');
        // What Slack refuses now it refuses in a second.
        if (!(err instanceof WebAPIPlatformError)) this.#tryAgain();
      })
      .finally(() => {
        this.#running = undefined;
        this.#onIdle();
      });
  }

  #tryAgain(): void {
    if (this.#failures >= mostRetries) return;
    this.#retry = setTimeout(() => this.#start(), firstRetryMs * 2 ** this.#failures).unref();
    this.#failures += 1;
  }

  /** A process that stood still may not know what became of the request since. */
  async #refresh(): Promise<void> {
    const atMs = performance.now();
    const now = await this.#options.readRequest?.(this.#request.id);
    if (now !== undefined && now.version > this.#request.version) {
      this.#request = now;
      this.#wanted += 1;
    }
    this.#know(atMs);
  }

  /** The request is as it was in the journal at that moment of performance.now(). */
  #know(atMs: number): void {
    this.#knownAtMs = atMs;
    this.#fresh.knownAt(atMs);
  }

  /** The message first, then the thread, until nothing is left to say. */
  async #run(): Promise<void> {
    this.#problem = undefined;
    const { pauses } = this.#options;
    if (this.#failures > 0 || pauses.isSince(this.#knownAtMs)) await this.#refresh();
    if (!this.#isSure) await this.#findOut();
    for (;;) {
      const isBehind = this.#wanted > this.#shown;
      if (isBehind) await this.#write();
      // After each writing of the card something for the thread: neither may wait for the end of the other.
      if (this.#lines.length > 0) await this.#replyWithLines();
      else if (isBehind) continue;
      else if ((this.#list?.length ?? 0) > 0) await this.#replyWithList();
      else if (!isOpen(this.#request) && !this.#endTold) await this.#tellEnd();
      else return;
    }
  }

  /** What other processes said, as the journal and Slack know it; `gone` is where it was, and is no more. */
  async #findOut(gone?: Place): Promise<void> {
    const known = gone === undefined ? { own: this.#place } : { gone };
    const found = await findCard(this.#fresh.writer, this.#request, known);
    this.#place = found.place;
    if (found.wasUnrecorded) this.#list = fullListMessages(this.#request);
    if (found.isEndTold !== false) this.#endTold = true;
    // All was said, and nothing happened since.
    if (found.isEndTold === true && this.#wanted === 1) this.#shown = 1;
    this.#isSure = true;
  }

  async #write(): Promise<void> {
    const [request, revision] = [this.#request, this.#wanted];
    await this.#readCourse(request);
    const message = requestCard(request, { runProgress: this.#course, stop: this.#stop });
    let gone: Place | undefined;
    while (this.#place !== undefined && !(await edit(this.#fresh.writer, message, this.#place))) {
      gone = this.#place;
      await this.#findOut(gone);
    }
    if (this.#place === undefined) await this.#post(message, gone);
    this.#shown = revision;
    this.#writtenAtMs = performance.now();
    // It may have waited for Slack while another bot went on: then it has just written over what that one wrote. Where
    // the journal does not answer now, the next round of the bot asks it.
    await this.#refresh().catch(() => undefined);
  }

  /** The steps that another process took, or the one before this. */
  async #readCourse({ id, version, execution }: ApprovalRequest): Promise<void> {
    if (this.#courseReadFor === version || execution === null) return;
    const before = this.#course;
    const entries = (await this.#options.readSteps?.(id)) ?? [];
    // What was heard meanwhile is newer than what was read; what was heard before may have gone on elsewhere.
    const isRead = this.#course === before;
    if (isRead) this.#courseReadFor = version;
    const { steps, progress } = this.#course;
    const read = entries.reduce<RunProgress>(follow, notBegun);
    const [older, newer] = isRead ? [steps, read.steps] : [read.steps, steps];
    this.#course = { steps: new Map([...older, ...newer]), progress };
  }

  /** Of two processes that post it in the same moment, the second to record it takes its own away. */
  async #post(message: Message, gone: Place | undefined): Promise<void> {
    const { writer } = this.#fresh;
    const { id } = this.#request;
    const { channel, places } = this.#options;
    if (channel === undefined) throw new Error('No incident channel is configured.');
    // Where its answer is lost it may stand there all the same.
    this.#isSure = false;
    const ts = await post(writer, message, { channel, key: cardKeyOf(this.#request) });
    const own = { channel, ts };
    this.#place = own;
    this.#place = await places.writePlace(id, own, gone);
    if (this.#place.ts === ts) this.#list = fullListMessages(this.#request);
    else {
      await remove(writer, own);
      // What the other one knew of it may be older.
      this.#wanted += 1;
    }
    this.#isSure = true;
  }

  async #replyWithLines(): Promise<void> {
    const lines = this.#lines.splice(0, 15);
    try {
      await this.#reply(progressMessage(this.#request, lines));
    } catch (error) {
      this.#lines.unshift(...lines);
      throw error;
    }
  }

  async #replyWithList(): Promise<void> {
    const [next, ...rest] = this.#list ?? [];
    const key = `${cardKeyOf(this.#request)}:list:${rest.length}`;
    if (next !== undefined) await this.#replyOnce(next, key);
    this.#list = rest;
  }

  /** The chain's end, kept where dbconn's own machine cannot rewrite it. */
  async #tellEnd(): Promise<void> {
    const head = await this.#options.readHead?.();
    if (head !== undefined) {
      const line = `journal entry ${head.seq}, ${head.hash}`;
      const message = toMessage(`End of request ${this.#request.id}`, smallPrint([line]));
      await this.#replyOnce(message, endKeyOf(this.#request));
    }
    this.#endTold = true;
  }

  async #reply(message: Message): Promise<void> {
    if (this.#place === undefined) return;
    const { channel, ts: thread } = this.#place;
    await post(this.#fresh.writer, message, { channel, thread });
  }

  /** What another process may say as well. */
  async #replyOnce(message: Message, key: string): Promise<void> {
    if (this.#place === undefined) return;
    await postOnce(this.#fresh.writer, message, { thread: this.#place, key });
  }
}

function isSame(one: Stop | null, other: Stop | null): boolean {
  return one?.by === other?.by && one?.reason === other?.reason && one?.lift === other?.lift;
}
