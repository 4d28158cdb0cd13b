import { createApp } from '../../app.ts';
import type { App } from '../../app/deps.ts';
import { readConfig } from '../../config/config.ts';
import type { Config } from '../../config/config.ts';
import { readEnvironment } from '../../config/environment.ts';
import type { StoredJournal } from '../../journal/stored-journal.ts';
import { createLog } from '../../log.ts';
import { serveTools } from '../../mcp/server.ts';
import { Refusal } from '../../mcp/tools.ts';
import type { Reading } from '../../mcp/tools.ts';
import { JournalUnavailable } from '../../runbook/approvals/journal.ts';
import { findReported, readHistory, readOpen } from '../../runbook/incidents/incident-log.ts';
import { gatherReport } from '../../runbook/reports/reporter.ts';
import { systemClock, within } from '../../timing.ts';
import { exitCodes, print, refused, warn } from '../output.ts';
import { whyNoJournal } from './journal-command.ts';

/** Clients wait two seconds before they kill. */
const closeMs = 500;

/**
 * `mcp`: dbconn's read-only words as tools of the Model Context Protocol, until the client closes its end or somebody
 * stops it. Standard output is the protocol's alone. Throws ConfigError.
 */
export async function runMcpCommand(
  words: readonly string[],
  file: string | undefined,
  version: string,
): Promise<number> {
  if (words.length > 0) {
    return print(
      refused('mcp takes no more words: each call names its target. See dbconn help mcp.'),
    );
  }
  const config = readConfig(readEnvironment(), file);
  const log = createLog(config.logLevel, process.stderr);
  const kept = keepWhileAsked(idleMs, () =>
    createApp(config, { clock: systemClock, warn, readsOnly: true }),
  );
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.abort());
  if (process.stdin.isTTY) warn('dbconn mcp waits for an MCP client. See dbconn help mcp.');
  const onFault = (err: unknown): void => log.error({ err }, 'A call could not be answered');
  try {
    const options = { version, clock: systemClock, onFault };
    await serveTools(toReading(config, kept), options, stopped.signal);
  } finally {
    await within(kept.close(), closeMs, systemClock);
  }
  // A check of a server that hangs would go on for seconds, and nobody hears of it any more.
  return process.exit(exitCodes.fine);
}

/** Clients stay open all day, and each would hold a connection that others may need. */
const idleMs = 60_000;

/** Of an app the parts that read. */
type ReadingApp = Pick<App, 'targets' | 'journal' | 'close'>;

interface KeptApp {
  use<T>(work: (app: ReadingApp) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Opens an app when a call comes, and closes it when none came for that long. */
export function keepWhileAsked(forMs: number, open: () => ReadingApp): KeptApp {
  let app: ReadingApp | undefined;
  let asking = 0;
  let timer: NodeJS.Timeout | undefined;
  const close = async (): Promise<void> => {
    clearTimeout(timer);
    const closing = app;
    app = undefined;
    await closing?.close();
  };
  return {
    async use(work) {
      clearTimeout(timer);
      asking += 1;
      app ??= open();
      try {
        return await work(app);
      } finally {
        asking -= 1;
        // What cannot be closed in order is lost already.
        const letGo = (): void => void close().catch(() => undefined);
        if (asking === 0) timer = setTimeout(letGo, forMs).unref();
      }
    },
    close,
  };
}

type ReadJournal = Pick<
  StoredJournal,
  'listIncidents' | 'readIncident' | 'readNotes' | 'readRequestsSince'
>;

/** What the words read that print `--json` in a terminal, of what in the app only reads. */
function toReading(config: Config, kept: KeptApp): Reading {
  const configured = config.targets.map(({ target }) => target);
  const withJournal = async <T>(work: (log: ReadJournal) => Promise<T>): Promise<T> => {
    const missing = whyNoJournal(config);
    if (missing !== undefined) throw new Refusal(missing);
    try {
      return await kept.use(async ({ journal }) => work(await journal()));
    } catch (error) {
      if (!(error instanceof JournalUnavailable)) throw error;
      // The next call opens it again: it may be there by then.
      await kept.close();
      throw new Refusal(error.message);
    }
  };
  return {
    targets: configured.map(({ name }) => name),
    diagnose: (target) =>
      kept.use(async ({ targets }) => (await targets()).monitor.diagnose(target)),
    incidents: ({ target, all }) =>
      withJournal(async (log) => {
        if (all) return readHistory(log, target);
        const open = await readOpen(log);
        return target === undefined ? open : open.filter((one) => one.target === target);
      }),
    report: (asked) =>
      withJournal(async (log) => {
        const incident = await findReported(log, asked);
        return incident && gatherReport({ log, targets: configured }, incident);
      }),
  };
}
