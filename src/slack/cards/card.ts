import { WebAPIPlatformError } from '@slack/web-api';
import { isOpen } from '../../runbook/approval/request.ts';
import type { Request } from '../../runbook/approval/request.ts';
import type { StepNews } from '../../runbook/remedies/remedy.ts';
import type { Place, Stop } from '../../runbook/ports.ts';
import type { Message } from '../messages/parts/message.ts';
import { smallPrint, toMessage } from '../messages/parts/message.ts';
import type { Leaf } from '../messages/parts/rich-text.ts';
import { requestCard } from '../messages/request-card.ts';
import { fullListMessages, progressLine, progressMessage } from '../messages/request-progress.ts';
import { edit, post } from '../post.ts';
import type { CardsOptions } from './cards.ts';
import { follow, notBegun } from './course.ts';
import type { Course } from './course.ts';
import { cardKeyOf, endKeyOf, findCard } from './find-card.ts';

/** More steps than this, unsent, are cut: the card and the journal tell them all the same. */
const mostLines = 200;

/** Between two writings of a card that only tell how far a step is: Slack takes 50 changes a minute. */
const betweenProgressMs = 3000;

export interface CardOptions extends CardsOptions {
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
  #request: Request;
  #place: Place | undefined;
  /** Whether what stands in Slack was made out: not at first, and not after a posting whose end nobody knows. */
  #isSure: boolean;
  /** Counts what the card should tell, and what it tells. */
  #wanted = 1;
  #shown = 0;
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #course: Course = notBegun;
  #courseReadFor = 0;
  #stop: Stop | null = null;
  #lines: (readonly Leaf[])[] = [];
  #list: readonly Message[] | undefined;
  #endTold = false;
  #running: Promise<void> | undefined;
  #problem: string | undefined;

  constructor(request: Request, options: CardOptions, onIdle: () => void) {
    this.#request = request;
    this.#options = options;
    this.#isSure = options.isNew;
    this.#onIdle = onIdle;
  }

  get request(): Request {
    return this.#request;
  }

  /** Why Slack did not take it, by Slack's own word. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Whether Slack has not heard everything. */
  get isBehind(): boolean {
    const owesEnd = this.#shown > 0 && !isOpen(this.#request) && !this.#endTold;
    return this.#wanted > this.#shown || this.#lines.length > 0 || owesEnd;
  }

  tell(request: Request, news?: StepNews): void {
    const line = progressLine(request, news);
    if (line !== undefined && this.#lines.length < mostLines) this.#lines.push(line);
    if (news !== undefined) this.#follow(news);
    this.show(request);
  }

  #follow(news: StepNews): void {
    this.#course = follow(this.#course, news);
    const isSoon = performance.now() - this.#writtenAtMs < betweenProgressMs;
    // What is left out here is told with the next thing that happens.
    if (news.kind !== 'progress' || !isSoon) this.#wanted += 1;
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
  show(request: Request): void {
    if (request.version > this.#request.version) {
      this.#request = request;
      this.#wanted += 1;
    }
    if (this.isBehind) this.#start();
  }

  found(request: Request, place: Place): void {
    this.#place ??= place;
    // Somebody pressed a button that should not be there any more.
    this.#wanted += 1;
    if (!isOpen(request)) this.#endTold = true;
    this.show(request);
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  #start(): void {
    this.#running ??= this.#run()
      .catch((err: unknown) => {
        this.#problem = err instanceof WebAPIPlatformError ? err.data.error : 'no answer';
        const { log } = this.#options;
        log.warn({ err, request: this.#request.id }, 'Slack does not take the news of a request');
      })
      .finally(() => {
        this.#running = undefined;
        this.#onIdle();
      });
  }

  /** The message first, then the thread, until nothing is left to say. */
  async #run(): Promise<void> {
    this.#problem = undefined;
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

  /** What the process before this one said, as the journal and Slack know it. */
  async #findOut(): Promise<void> {
    const request = this.#request;
    if (this.#place === undefined || !isOpen(request)) {
      const { place, isUnrecorded, isEndTold } = await findCard(this.#options, request);
      this.#place ??= place;
      if (isEndTold !== false) this.#endTold = true;
      // All was said, and nothing happened since.
      if (isEndTold === true && this.#wanted === 1) this.#shown = 1;
      if (place !== undefined && isUnrecorded) await this.#record(place);
    }
    this.#isSure = true;
  }

  async #write(): Promise<void> {
    const [request, wanted] = [this.#request, this.#wanted];
    await this.#readCourse(request);
    const message = requestCard(request, { course: this.#course, stop: this.#stop });
    if (this.#place === undefined || !(await edit(this.#options, message, this.#place))) {
      await this.#post(message);
    }
    this.#shown = wanted;
    this.#writtenAtMs = performance.now();
  }

  /** The steps that another process took, or the one before this. */
  async #readCourse({ id, version, execution }: Request): Promise<void> {
    if (this.#courseReadFor === version || execution === null) return;
    this.#courseReadFor = version;
    const entries = (await this.#options.readSteps?.(id)) ?? [];
    const read = entries.reduce<Course>(follow, notBegun);
    const { steps, progress } = this.#course;
    this.#course = { steps: new Map([...read.steps, ...steps]), progress };
  }

  async #post(message: Message): Promise<void> {
    const { channel } = this.#options;
    if (channel === undefined) throw new Error('No incident channel is configured.');
    // Where its answer is lost it may stand there all the same.
    this.#isSure = false;
    const ts = await post(this.#options, message, { channel, key: cardKeyOf(this.#request) });
    this.#place = { channel, ts };
    await this.#record(this.#place);
    this.#isSure = true;
  }

  /** What comes after the posting of a card, once. */
  async #record(place: Place): Promise<void> {
    this.#list = fullListMessages(this.#request);
    await this.#options.places.writePlace(this.#request.id, place);
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
    if (next !== undefined) await this.#reply(next);
    this.#list = rest;
  }

  /** The chain's end, kept where dbconn's own machine cannot rewrite it. */
  async #tellEnd(): Promise<void> {
    const head = await this.#options.readHead?.();
    if (head !== undefined) {
      const line = `journal entry ${head.seq}, ${head.hash}`;
      const message = toMessage(`End of request ${this.#request.id}`, smallPrint([line]));
      this.#isSure = false;
      await this.#reply(message, endKeyOf(this.#request));
      this.#isSure = true;
    }
    this.#endTold = true;
  }

  async #reply(message: Message, key?: string): Promise<void> {
    if (this.#place === undefined) return;
    const { channel, ts: thread } = this.#place;
    await post(this.#options, message, { channel, thread, ...(key !== undefined && { key }) });
  }
}

function isSame(one: Stop | null, other: Stop | null): boolean {
  return one?.by === other?.by && one?.reason === other?.reason && one?.lift === other?.lift;
}
