import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { ActResult } from './acting/act.ts';
import { closeView } from './acting/close-view.ts';
import { deleteMessage } from './acting/delete-message.ts';
import { openHome } from './acting/open-home.ts';
import { pressElement } from './acting/press-element.ts';
import type { Press } from './acting/press-element.ts';
import { submitView } from './acting/submit-view.ts';
import type { Submission } from './acting/submit-view.ts';
import { typeCommand } from './acting/type-command.ts';
import type { TypedCommand } from './acting/type-command.ts';
import { createHttpDelivery } from './delivery-http.ts';
import { createSocketDelivery } from './delivery-socket.ts';
import { createInterferences } from './interference.ts';
import type { Interference } from './interference.ts';
import type { SlackOptions } from './options.ts';
import { createRateLimits, noRateLimits } from './rate-limits.ts';
import { createResponseUrls } from './response-urls.ts';
import { createRouter } from './router.ts';
import type { Sandbox } from './sandbox.ts';
import type { SocketPool } from './socket-pool.ts';
import { createSockets } from './sockets.ts';
import type { Sockets } from './sockets.ts';
import { readWorkspace } from './state-view.ts';
import type { WorkspaceView } from './state-view.ts';
import { createTriggers } from './triggers.ts';
import { waitForState } from './wait-for-state.ts';
import { createWorkspace } from './workspace.ts';

/** What Slack waits for an acknowledgement. */
const ACK_TIMEOUT_MS = 3000;

/** A running local Slack. Every act settles when the app has acknowledged or Slack gave up. */
export interface LocalSlack {
  /** Where the web page is. */
  readonly url: string;
  /** What SLACK_API_URL must be. */
  readonly apiUrl: string;
  readonly state: WorkspaceView;
  /** How many Socket Mode connections the app holds. */
  readonly connectionCount: number;
  setRequestUrl(url: string): void;
  /** Recycles all Socket Mode connections, as Slack does every few hours. */
  refreshConnections(): void;
  /** The first thing `read` finds, now or after a change; rejects after `timeoutMs`. */
  waitFor<T>(read: (state: WorkspaceView) => T | undefined, timeoutMs: number): Promise<T>;
  typeCommand(typed: TypedCommand): Promise<ActResult>;
  pressButton(press: Press): Promise<ActResult>;
  submitView(submission: Submission): Promise<ActResult>;
  closeView(closing: { readonly user: string; readonly viewId: string }): Promise<ActResult>;
  openHome(opening: { readonly user: string }): Promise<ActResult>;
  /** A person takes a message away, their own or, as an administrator may, the app's. */
  deleteMessage(message: {
    readonly user: string;
    readonly channel: string;
    readonly ts: string;
  }): Promise<ActResult>;
  /** The next calls of a method go wrong: once, unless `times` says otherwise. */
  interfere(method: string, interference: Interference, times?: number): void;
  /** The bytes of an uploaded file, as somebody who downloads it gets them. */
  readFile(id: string): Uint8Array;
  /** Makes a person or the app a member of a channel, or takes them out. */
  setMember(channel: string, user: string, isMember: boolean): void;
  /** Settles what is under way and frees the port; safe to call twice. */
  close(): Promise<void>;
}

interface Parts {
  readonly sandbox: Sandbox;
  readonly sockets: Sockets;
  readonly setRequestUrl: (url: string) => void;
  readonly pool: SocketPool;
}

function assemble(options: SlackOptions, baseUrl: () => string): Parts {
  const workspace = createWorkspace(options);
  const ackTimeoutMs = options.ackTimeoutMs ?? ACK_TIMEOUT_MS;
  let { requestUrl } = options;
  const socketDelivery = createSocketDelivery(ackTimeoutMs);
  const httpDelivery = createHttpDelivery({
    signingSecret: options.signingSecret,
    ackTimeoutMs,
    requestUrl: () => requestUrl,
  });
  const isSocketMode = options.mode === 'socket';
  const sockets = createSockets(workspace, isSocketMode ? socketDelivery.pool : undefined);
  return {
    sockets,
    pool: socketDelivery.pool,
    setRequestUrl(url) {
      requestUrl = url;
    },
    sandbox: {
      workspace,
      triggers: createTriggers(workspace.now),
      responseUrls: createResponseUrls(workspace.now),
      rateLimits: options.rateLimits === false ? noRateLimits : createRateLimits(workspace.now),
      interferences: createInterferences(),
      delivery: isSocketMode ? socketDelivery : httpDelivery,
      tokens: { bot: options.botToken, app: options.appToken },
      baseUrl,
      onSaid: options.onSaid ?? (() => undefined),
      issueSocketUrl: () =>
        (options.socketUrl?.() ?? baseUrl().replace('http:', 'ws:')) + sockets.issueLink(),
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function stop(server: Server, { sandbox, sockets }: Parts): Promise<void> {
  sandbox.delivery.close();
  sockets.close();
  const closed = new Promise<void>((resolve, reject) => {
    server.close((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
  server.closeAllConnections();
  await closed;
}

/** Brings up a local Slack, on loopback unless told otherwise; rejects when the port is taken or the seeds contradict. */
export async function startSlack(options: SlackOptions): Promise<LocalSlack> {
  let baseUrl = '';
  let closed: Promise<void> | undefined;
  const parts = assemble(options, () => baseUrl);
  const { sandbox, sockets, pool } = parts;
  const { workspace } = sandbox;
  const route = createRouter(sandbox, options.page);
  const server = createServer((request, response) => void route(request, response));
  server.on('upgrade', (request, socket, head) => {
    sockets.upgrade(request, socket, head);
  });
  const host = options.host ?? '127.0.0.1';
  baseUrl = `http://${host}:${await listen(server, host, options.port ?? 0)}`;
  return {
    url: `${baseUrl}/`,
    apiUrl: `${baseUrl}/api/`,
    get state() {
      return readWorkspace(workspace);
    },
    get connectionCount() {
      return pool.size;
    },
    setRequestUrl: parts.setRequestUrl,
    refreshConnections() {
      pool.refresh();
    },
    waitFor: async (read, timeoutMs) => waitForState(workspace, read, timeoutMs),
    typeCommand: async (typed) => typeCommand(sandbox, typed),
    pressButton: async (press) => pressElement(sandbox, press),
    submitView: async (submission) => submitView(sandbox, submission),
    closeView: async (closing) => closeView(sandbox, closing),
    openHome: async (opening) => openHome(sandbox, opening),
    deleteMessage: async (message) => deleteMessage(sandbox, message),
    interfere(method, interference, times = 1) {
      sandbox.interferences.set(method, interference, times);
    },
    readFile(id) {
      const file = workspace.files.get(id);
      if (file?.bytes === undefined || !file.completed) throw new Error(`there is no file ${id}`);
      return file.bytes;
    },
    setMember(channel, user, isMember) {
      const members = workspace.channels.get(channel)?.members;
      if (members === undefined) throw new Error(`there is no channel ${channel}`);
      if (isMember) members.add(user);
      else members.delete(user);
      workspace.changed();
    },
    async close() {
      closed ??= stop(server, parts);
      return closed;
    },
  };
}
