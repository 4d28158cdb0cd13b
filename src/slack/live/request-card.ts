import { WebAPIPlatformError } from '@slack/web-api';
import type { Logger } from 'pino';
import type { Stop } from '../../runbook/approvals/journal.ts';
import type { Place } from '../../runbook/approvals/notices.ts';
import { isOpen } from '../../runbook/approvals/request.ts';
import type { ApprovalRequest } from '../../runbook/approvals/request.ts';
import type { StepEntry, StepProgress } from '../../runbook/remedies/remedy.ts';
import type { Message } from '../messages/kit/message.ts';
import type { Leaf } from '../messages/kit/rich-text.ts';
import { follow, notBegun } from '../messages/plan.ts';
import type { RunProgress } from '../messages/plan.ts';
import {
  endMessage,
  fullListMessages,
  progressLine,
  progressMessage,
  requestCard,
} from '../messages/request-card.ts';
import type { Circumstances } from '../messages/request-status.ts';
import { cardKeyOf, endKeyOf, findCard } from './find-request-card.ts';
import type { CardPlaces } from './find-request-card.ts';
import { Rounds } from './rounds.ts';
import { edit, post, postOnce, remove } from './writer.ts';

/** More lines than this, unsent, are cut: the journal tells them all the same. */
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
  /** Why a request is proposed, and what keeps it from running. */
  readonly readCircumstances?: (request: ApprovalRequest) => Promise<Circumstances>;
  readonly log: Logger;
}

interface CardOptions extends CardsOptions {
  /** Whether nobody can have posted it yet. */
  readonly isNew: boolean;
}

/**
 * The live message of one request. Whatever happens while Slack is slow is gathered: the message is then
 * written once with the latest state. Its thread gets two replies: who exactly, where the card groups them, and the end.
 */
export class Card {
  readonly #options: CardOptions;
  #request: ApprovalRequest;
  #place: Place | undefined;
  /** Whether what stands in Slack was made out: not at first, and not after a posting whose end nobody knows. */
  #isSure: boolean;
  /** Counts what the card should tell, and what it tells. */
  #wanted = 1;
  #shown = 0;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #runProgress: RunProgress = notBegun;
  #progressReadFor = 0;
  #stop: Stop | null = null;
  #lines: (readonly Leaf[])[] = [];
  #list: readonly Message[] | undefined;
  #endTold = false;
  #problem: string | undefined;
  readonly #rounds: Rounds;

  constructor(request: ApprovalRequest, options: CardOptions, onIdle: () => void) {
    this.#request = request;
    this.#options = options;
    this.#isSure = options.isNew;
    this.#rounds = new Rounds({
      write: () => this.#run(),
      retryAfter: (error, failures) => this.#retryAfter(error, failures),
      onIdle,
    });
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
    this.#rounds.forgive();
    const line = progressLine(update);
    if (line !== undefined && this.#lines.length < mostLines) this.#lines.push(line);
    if (update !== undefined) this.#follow(update);
    this.show(request);
  }

  #follow(update: StepProgress): void {
    this.#runProgress = follow(this.#runProgress, update);
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
    this.#rounds.dueIn(0);
  }

  /** Shows a request as it now stands, without a word in the thread. */
  show(request: ApprovalRequest): void {
    if (request.version > this.#request.version) {
      this.#request = request;
      this.#wanted += 1;
    }
    if (this.isBehind) this.#rounds.dueIn(0);
  }

  found(request: ApprovalRequest, place: Place): void {
    this.#place ??= place;
    // Somebody pressed a button that should not be there any more: this process may not know what was said.
    this.#wanted += 1;
    this.#isSure = false;
    this.show(request);
  }

  settled(): Promise<void> {
    return this.#rounds.settled();
  }

  stop(): void {
    this.#rounds.stop();
  }

  #retryAfter(err: unknown, failures: number): number | undefined {
    const isRefused = err instanceof WebAPIPlatformError;
    this.#problem = isRefused ? err.data.error : 'no answer';
    const { log } = this.#options;
    log.warn({ err, request: this.#request.id }, 'Slack does not take the news of a request');
    // What Slack refuses now it refuses in a second.
    return isRefused || failures > mostRetries ? undefined : firstRetryMs * 2 ** (failures - 1);
  }

  /** Another process may have gone on with it while this one stood still, or waited for Slack. */
  async #refresh(): Promise<void> {
    const now = await this.#options.readRequest?.(this.#request.id);
    if (now === undefined || now.version <= this.#request.version) return;
    this.#request = now;
    this.#wanted += 1;
  }

  /** The message first, then the thread, until nothing is left to say. */
  async #run(): Promise<void> {
    this.#problem = undefined;
    if (this.#rounds.failures > 0) await this.#refresh();
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
    const found = await findCard(this.#options, this.#request, known);
    this.#place = found.place;
    if (found.wasUnrecorded) this.#list = fullListMessages(this.#request);
    if (found.isEndTold !== false) this.#endTold = true;
    // All was said, and nothing happened since.
    if (found.isEndTold === true && this.#wanted === 1) this.#shown = 1;
    this.#isSure = true;
  }

  async #write(): Promise<void> {
    const [request, revision] = [this.#request, this.#wanted];
    await this.#readProgress(request);
    const circumstances = await this.#readCircumstances(request);
    const message = requestCard(request, {
      runProgress: this.#runProgress,
      stop: this.#stop,
      ...(circumstances !== undefined && { circumstances }),
    });
    let gone: Place | undefined;
    while (this.#place !== undefined && !(await edit(this.#options, message, this.#place))) {
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
  async #readProgress({ id, version, execution }: ApprovalRequest): Promise<void> {
    if (this.#progressReadFor === version || execution === null) return;
    const before = this.#runProgress;
    const entries = (await this.#options.readSteps?.(id)) ?? [];
    // What was heard meanwhile is newer than what was read; what was heard before may have gone on elsewhere.
    const isRead = this.#runProgress === before;
    if (isRead) this.#progressReadFor = version;
    const { steps, progress } = this.#runProgress;
    const read = entries.reduce<RunProgress>(follow, notBegun);
    const [older, newer] = isRead ? [steps, read.steps] : [read.steps, steps];
    this.#runProgress = { steps: new Map([...older, ...newer]), progress };
  }

  /** The card goes out without what cannot be read. */
  async #readCircumstances(request: ApprovalRequest): Promise<Circumstances | undefined> {
    const { readCircumstances, log } = this.#options;
    if (request.state !== 'proposed') return undefined;
    return readCircumstances?.(request).catch((err: unknown) => {
      log.warn({ err, request: request.id }, 'Why a request is proposed could not be read');
      return undefined;
    });
  }

  /** Of two processes that post it in the same moment, the second to record it takes its own away. */
  async #post(message: Message, gone: Place | undefined): Promise<void> {
    const { id } = this.#request;
    const { channel, places } = this.#options;
    if (channel === undefined) throw new Error('No incident channel is configured.');
    // Where its answer is lost it may stand there all the same.
    this.#isSure = false;
    const ts = await post(this.#options, message, { channel, key: cardKeyOf(this.#request) });
    const own = { channel, ts };
    this.#place = own;
    this.#place = await places.writePlace(id, own, gone);
    if (this.#place.ts === ts) this.#list = fullListMessages(this.#request);
    else {
      await remove(this.#options, own);
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

  /** How it ended, with the chain's end, kept where dbconn's own machine cannot rewrite it. */
  async #tellEnd(): Promise<void> {
    const head = await this.#options.readHead?.();
    const message = endMessage(this.#request, this.#runProgress, head);
    await this.#replyOnce(message, endKeyOf(this.#request));
    this.#endTold = true;
  }

  async #reply(message: Message): Promise<void> {
    if (this.#place === undefined) return;
    await post(this.#options, message, { thread: this.#place });
  }

  /** What another process may say as well. */
  async #replyOnce(message: Message, key: string): Promise<void> {
    if (this.#place === undefined) return;
    await postOnce(this.#options, message, { thread: this.#place, key });
  }
}

function isSame(one: Stop | null, other: Stop | null): boolean {
  return one?.by === other?.by && one?.reason === other?.reason && one?.lift === other?.lift;
}
