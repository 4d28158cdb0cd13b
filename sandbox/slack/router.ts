import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  MAX_CALL_BYTES,
  MAX_UPLOAD_BYTES,
  parseObject,
  readBody,
  readForm,
  sendJson,
} from './http-body.ts';
import { isFromThisMachine } from './loopback-guard.ts';
import type { Page } from './options.ts';
import { respond } from './respond.ts';
import { callSandbox } from './sandbox-endpoints.ts';
import type { Sandbox } from './sandbox.ts';
import { SlackRefusal } from './slack-refusal.ts';
import { callMethod } from './web-api/call-method.ts';
import { receiveUpload } from './web-api/files.ts';
import { readCall } from './web-api/read-call.ts';

interface Exchange {
  readonly sandbox: Sandbox;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
}

async function serveMethod({ sandbox, request, response, url }: Exchange): Promise<void> {
  try {
    const call = await readCall(request, url);
    const interference = sandbox.interferences.take(call.method);
    if (interference?.kind === 'unreachable') {
      response.writeHead(interference.status).end('upstream connect error');
      return;
    }
    const answer = callMethod(sandbox, call, interference);
    const { method: what, args } = call;
    if (answer.body['ok'] === true) sandbox.onSaid({ what, args, answer: answer.body });
    if (interference?.kind === 'answer-lost') response.destroy();
    else sendJson(response, answer);
  } catch (error) {
    // A call that could not even be read still gets a 200 with the error word, as all of Slack's.
    if (!(error instanceof SlackRefusal)) throw error;
    sendJson(response, {
      status: error.details.status === 413 ? 413 : 200,
      body: { ok: false, error: error.code },
    });
  }
}

async function serveUpload({ sandbox, request, response, url }: Exchange): Promise<void> {
  const bytes = await readBody(request, MAX_UPLOAD_BYTES);
  const contentType = request.headers['content-type'] ?? '';
  let content: Uint8Array = bytes;
  if (contentType.startsWith('multipart/form-data')) {
    const parts = [...(await readForm(bytes, contentType)).values()];
    const file = parts.find((part) => part instanceof File);
    if (file === undefined) throw new SlackRefusal('no_file_data', { status: 400 });
    content = new Uint8Array(await file.arrayBuffer());
  }
  const id = url.pathname.slice('/upload/v1/'.length);
  receiveUpload(sandbox.workspace, id, content);
  sandbox.onSaid({
    what: 'upload',
    args: { id, text: Buffer.from(content).toString() },
    answer: {},
  });
  response.end(`OK - ${content.byteLength}`);
}

async function serveResponseUrl({ sandbox, request, response, url }: Exchange): Promise<void> {
  const body = parseObject(await readBody(request, MAX_CALL_BYTES));
  const grant = sandbox.responseUrls.use(url.pathname);
  respond(sandbox.workspace, grant, body);
  sandbox.onSaid({ what: 'response_url', args: body, answer: { user: grant.user } });
  response.end('ok');
}

function serveFile({ sandbox, response, url }: Exchange): void {
  const file = sandbox.workspace.files.get(url.pathname.slice('/files/'.length));
  if (file?.bytes === undefined || !file.completed) {
    throw new SlackRefusal('file_not_found', { status: 404 });
  }
  // Uploaded bytes are somebody else's: they must never run as part of the page.
  response.writeHead(200, {
    'content-type': /\.png$/i.test(file.name) ? 'image/png' : 'application/octet-stream',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
  });
  response.end(file.bytes);
}

async function serveSandbox({ sandbox, request, response, url }: Exchange): Promise<void> {
  sendJson(response, { status: 200, body: await callSandbox(sandbox, request, url) });
}

async function servePage({ request, response, url }: Exchange, page?: Page): Promise<void> {
  const file = request.method === 'GET' ? await page?.(url.pathname) : undefined;
  if (file === undefined) throw new SlackRefusal('not_found', { status: 404 });
  response.writeHead(file.status, file.headers);
  response.end(file.body);
}

async function route(exchange: Exchange, page?: Page): Promise<void> {
  const { request, url } = exchange;
  const isPost = request.method === 'POST';
  if (url.pathname.startsWith('/api/')) await serveMethod(exchange);
  else if (url.pathname.startsWith('/_sandbox/')) await serveSandbox(exchange);
  else if (isPost && url.pathname.startsWith('/upload/v1/')) await serveUpload(exchange);
  else if (isPost && /^\/(commands|actions)\//.test(url.pathname)) await serveResponseUrl(exchange);
  else if (url.pathname.startsWith('/files/')) serveFile(exchange);
  else await servePage(exchange, page);
}

function sendFailure(response: ServerResponse, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (error instanceof SlackRefusal) {
    const { status = 400, messages } = error.details;
    sendJson(response, { status, body: { ok: false, error: error.code, messages } });
    return;
  }
  console.error('The local Slack failed; this is a fault of the sandbox, not of the app:', error);
  sendJson(response, { status: 500, body: { ok: false, error: 'internal_error' } });
}

/** Answers every plain HTTP request; never rejects. */
export function createRouter(
  sandbox: Sandbox,
  page?: Page,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      if (!isFromThisMachine(request)) throw new SlackRefusal('forbidden_origin', { status: 403 });
      const url = new URL(request.url ?? '/', sandbox.baseUrl());
      await route({ sandbox, request, response, url }, page);
    } catch (error) {
      sendFailure(response, error);
    }
  };
}
