import { McpServer } from '@modelcontextprotocol/server';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { unknownTarget } from '../runbook/commands/unknown-word.ts';
import type { Diagnosis } from '../runbook/diagnose/diagnosis.ts';
import { createTurns, within } from '../timing.ts';
import type { Clock } from '../timing.ts';
import {
  IncidentsInput,
  IncidentsOutput,
  Refusal,
  ReportInput,
  ReportOutput,
  checkInput,
  instructions,
  checkTools,
  untrusted,
} from './tools.ts';
import type { Reading } from './tools.ts';

interface ServerOptions {
  readonly version: string;
  readonly clock: Clock;
  /** Hears what nobody outside may read. */
  readonly onFault: (error: unknown) => void;
}

/** Calls that wait for their answer at once; a client that asks for more is told to wait. */
const mostCalls = 16;
/** A check takes 5 s at most, and one may wait for two others. */
const answerMs = 20_000;
/** A check of a thousand waiters has a third of this; more would only fill the client's context. */
const mostCharacters = 1024 * 1024;
/** A question is a name or two. */
const mostMessageBytes = 256 * 1024;

/**
 * Serves the tools over standard input and output until the client closes them, or the signal aborts. Speaks the
 * protocol of 2025 and the one of 2026, as the client opens it.
 */
export async function serveTools(
  reading: Reading,
  options: ServerOptions,
  signal: AbortSignal,
): Promise<void> {
  const wire = new Wire(process.stdin, process.stdout, { maxBufferSize: mostMessageBytes });
  const served = serveStdio(() => createServer(reading, options), {
    transport: wire,
    onerror: options.onFault,
  });
  signal.addEventListener('abort', () => void served.close(), { once: true });
  await wire.ended;
}

/** Tells when it is over, however it ended. */
class Wire extends StdioServerTransport {
  readonly #over = Promise.withResolvers<void>();
  readonly ended = this.#over.promise;

  override async close(): Promise<void> {
    await super.close();
    this.#over.resolve();
  }
}

function createServer(reading: Reading, options: ServerOptions): McpServer {
  const { targets } = reading;
  const server = new McpServer({ name: 'dbconn', version: options.version }, { instructions });
  const answer = createAnswers(options);
  const check = createChecks(reading);
  const inputSchema = checkInput(targets);
  for (const [name, { title, description, output }] of Object.entries(checkTools)) {
    const told = `${description} ${untrusted}`;
    const config = { title, description: told, inputSchema, outputSchema: output, annotations };
    server.registerTool(name, config, ({ target }) =>
      answer(async () => output.parse(await check(toTarget(target, targets)))),
    );
  }
  server.registerTool(
    'incidents',
    {
      title: 'Incidents',
      description: `Incidents that are open, or all that the journal holds, newest first. ${untrusted}`,
      inputSchema: IncidentsInput,
      outputSchema: IncidentsOutput,
      annotations,
    },
    (asked) => answer(async () => ({ incidents: await reading.incidents(asked) })),
  );
  server.registerTool(
    'report',
    {
      title: 'Report',
      description: `The report of an incident: timeline, cause, what was done, what prevents it. ${untrusted}`,
      inputSchema: ReportInput,
      outputSchema: ReportOutput,
      annotations,
    },
    (asked) =>
      answer(async () => {
        const report = await reading.report(asked);
        if (report === undefined) throw new Refusal('There is no such incident. Call incidents.');
        return { ...report };
      }),
  );
  return server;
}

/** It reads, and the same question can be asked again; the answer is of this one server. */
const annotations = { readOnlyHint: true, idempotentHint: true, openWorldHint: false } as const;

/** Repeats nothing that was asked. */
function toTarget(named: string | undefined, targets: readonly string[]): string {
  const [only = '', ...more] = targets;
  if (named === undefined && more.length === 0) return only;
  if (named !== undefined && targets.includes(named)) return named;
  const listed = targets.slice(0, 50);
  if (named !== undefined) throw new Refusal(unknownTarget(named, listed));
  throw new Refusal(`There are several targets, so name one: ${listed.join(', ')}.`);
}

/** One snapshot at a time, so that a client that asks for all at once is no load; who asks for the same joins it. */
function createChecks(reading: Reading): (target: string) => Promise<Diagnosis> {
  const turns = createTurns(1);
  const running = new Map<string, Promise<Diagnosis>>();
  return (target) => {
    const joined = running.get(target);
    if (joined !== undefined) return joined;
    const check = turns
      .take(() => reading.diagnose(target))
      .finally(() => void running.delete(target));
    running.set(target, check);
    return check;
  };
}

type Answer = (work: () => Promise<Record<string, unknown>>) => Promise<CallToolResult>;

/** Bounds how many, how long and how large; whatever goes wrong is a sentence that holds no secret. */
function createAnswers({ clock, onFault }: ServerOptions): Answer {
  let open = 0;
  return async (work) => {
    if (open >= mostCalls) return refused(`Wait: ${open} calls are not answered yet.`);
    open += 1;
    try {
      const answered = await within(work(), answerMs, clock);
      return answered === undefined ? refused(tooLate) : toResult(answered);
    } catch (error) {
      if (error instanceof Refusal) return refused(error.message);
      onFault(error);
      return refused('dbconn failed to answer. Its standard error says why.');
    } finally {
      open -= 1;
    }
  };
}

const tooLate = `No answer within ${answerMs / 1000} s. Try again, or run dbconn doctor in a terminal.`;

function toResult(structuredContent: Record<string, unknown>): CallToolResult {
  const text = JSON.stringify(structuredContent);
  if (text.length > mostCharacters) {
    return refused('The answer is larger than 1 MB. Ask in a terminal, with --json.');
  }
  return { content: [{ type: 'text', text }], structuredContent };
}

function refused(sentence: string): CallToolResult {
  return { content: [{ type: 'text', text: sentence }], isError: true };
}
