import type { IncomingMessage, RequestListener } from 'node:http';
import { HTTPReceiver } from '@slack/bolt';
import type { Logger as BoltLogger, Logger, Receiver } from '@slack/bolt';
import {
  BodyBudget,
  createBoundedServer,
  readBody,
  say,
  sendReply,
} from '../../http/bounded-server.ts';
import type { Reply } from '../../http/bounded-server.ts';
import type { SignedRequest, SignedRequestLog } from '../../runbook/approvals/journal.ts';
import { createTellSeldom } from '../../timing.ts';
import { SlackStartError } from './connection.ts';
import type { Connection, ConnectionState } from './connection.ts';
import { verifySignature } from './incoming.ts';

interface IntakeOptions {
  readonly signingSecret: string;
  /** What was heard before; without it no request may decide anything. */
  readonly heard: SignedRequestLog | undefined;
  /** Takes what was let in: Bolt's own listener. */
  readonly handle: RequestListener;
  readonly log: Logger;
}

/** Where Slack's requests arrive. */
const slackPath = '/slack/events';
/** Slack waits three seconds for an answer. Later the journal's word comes too late. */
const rememberWithinMs = 1500;

const unremembered = new WeakSet<IncomingMessage>();

/** For Bolt: what its listeners know of a request beside its body. */
function propertiesOf(request: IncomingMessage): Readonly<Record<string, boolean>> {
  return { isUnremembered: unremembered.has(request) };
}

/** Whether a listener's request could be heard a second time. */
export function isUnremembered(context: Readonly<Record<string, unknown>>): boolean {
  return context['isUnremembered'] === true;
}

/**
 * Stands before Bolt's listener: bounded, verified, and each request once, so that somebody who captured one along the
 * way cannot vote with it. Never throws.
 */
function createIntake(options: IntakeOptions): RequestListener {
  const { handle, log } = options;
  const tellSeldom = createTellSeldom({ now: () => Date.now() });
  const parts = { ...options, budget: new BodyBudget(), tellSeldom };
  return (request, response) => {
    void (async () => {
      try {
        const reply = refuseMisplaced(request) ?? (await take(parts, request));
        if (reply === 'admitted') handle(request, response);
        else sendReply(response, reply);
      } catch (error) {
        log.error('A request of Slack could not be taken', error);
        if (response.headersSent) response.destroy();
        else sendReply(response, say(500, 'It could not be answered. The log says why.'));
      }
    })();
  };
}

interface IntakeParts extends IntakeOptions {
  readonly budget: BodyBudget;
  readonly tellSeldom: ReturnType<typeof createTellSeldom>;
}

function refuseMisplaced({ url, method }: IncomingMessage): Reply | undefined {
  const [path] = (url ?? '').split('?', 1);
  if (path !== slackPath)
    return say(404, `There is nothing here. There is ${slackPath}.`, { close: true });
  if (method === 'POST') return undefined;
  return say(405, 'Only POST here.', { headers: { allow: 'POST' }, close: true });
}

async function take(
  { signingSecret, heard, log, budget, tellSeldom }: IntakeParts,
  request: IncomingMessage,
): Promise<Reply | 'admitted'> {
  const body = await readBody(request, budget);
  if (body.kind === 'busy') return say(503, 'Too many requests at a time.', { close: true });
  if (body.kind === 'too-large') return say(413, 'The body is too large.', { close: true });
  if (body.kind === 'broken-off') return say(408, 'The body broke off.', { close: true });
  const { headers } = request;
  const { text } = body;
  const signed = verifySignature({ headers, body: text, signingSecret, nowMs: Date.now() });
  // Slack's check of the certificate is not signed, and asks for nothing but an answer.
  if (signed === undefined && new URLSearchParams(text).get('ssl_check') === '1')
    return say(200, '');
  if (signed === undefined) {
    tellSeldom('unsigned', (keptBack) => {
      log.warn('A request that Slack did not sign just now was refused', { keptBack });
    });
    return say(401, 'Not with this signature.');
  }
  if (!(await isFirst(request, signed, { heard, log }))) {
    log.warn('A request of Slack arrived twice; the second was refused');
    return say(401, 'This was heard already.');
  }
  // Bolt takes a body that was read already, as some platforms hand it over.
  Object.assign(request, { rawBody: Buffer.from(text) });
  return 'admitted';
}

/** True, and marked, where it cannot be told. */
async function isFirst(
  request: IncomingMessage,
  signed: SignedRequest,
  { heard, log }: Pick<IntakeOptions, 'heard' | 'log'>,
): Promise<boolean> {
  if (heard === undefined) {
    unremembered.add(request);
    return true;
  }
  const { promise: late, reject } = Promise.withResolvers<never>();
  const tooLate = (): void => reject(new Error('The journal answers too slowly.'));
  const timer = setTimeout(tooLate, rememberWithinMs);
  try {
    return await Promise.race([heard.recordSigned(signed), late]);
  } catch (error) {
    log.warn('A request of Slack could not be remembered, so it decides nothing', error);
    unremembered.add(request);
    return true;
  } finally {
    clearTimeout(timer);
  }
}

interface HttpConnectionOptions {
  readonly signingSecret: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** All interfaces unless given. */
  readonly host?: string;
  /** Without it no request decides anything. */
  readonly heard: SignedRequestLog | undefined;
  readonly logger: BoltLogger;
}

/** Signed requests of Slack at /slack/events, each once, on a port with bounds. Bolt is never asked to open one. */
export class HttpConnection implements Connection {
  readonly receiver: Receiver;
  readonly #options: HttpConnectionOptions;
  readonly #server: ReturnType<typeof createBoundedServer>;
  #state: ConnectionState = 'closed';

  constructor(options: HttpConnectionOptions) {
    this.#options = options;
    const { signingSecret, logger, heard } = options;
    const receiver = new HTTPReceiver({
      signingSecret,
      logger,
      endpoints: [slackPath],
      customPropertiesExtractor: propertiesOf,
    });
    const handle = receiver.requestListener;
    this.#server = createBoundedServer(createIntake({ signingSecret, heard, handle, log: logger }));
    this.receiver = receiver;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  get port(): number | undefined {
    return this.#server.port;
  }

  async open(): Promise<void> {
    const { port, host } = this.#options;
    this.#state = 'opening';
    try {
      await this.#server.open({ port, ...(host !== undefined && { host }) });
      this.#state = 'open';
    } catch (error) {
      this.#state = 'closed';
      const text = `Port ${port} could not be opened for Slack's requests. Free it, or set PORT to another one.`;
      throw new SlackStartError(text, error, true);
    }
  }

  async close(): Promise<void> {
    this.#state = 'closed';
    await this.#server.close();
  }
}
