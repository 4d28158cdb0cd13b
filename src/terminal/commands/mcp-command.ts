import { createApp } from '../../app.ts';
import type { App } from '../../app/deps.ts';
import { readConfig } from '../../config/config.ts';
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
      refused('After mcp comes no word: each call names its target. See dbconn help mcp.'),
    );
  }
  const config = readConfig(readEnvironment(), file);
  const log = createLog(config.logLevel, process.stderr);
  const app = createApp(config, { clock: systemClock, warn, readsOnly: true });
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.abort());
  if (process.stdin.isTTY) warn('dbconn mcp waits for an MCP client. See dbconn help mcp.');
  const onFault = (err: unknown): void => log.error({ err }, 'A call could not be answered');
  try {
    const options = { version, clock: systemClock, onFault };
    await serveTools(toReading(app), options, stopped.signal);
  } finally {
    await within(app.close(), closeMs, systemClock);
  }
  // A check of a server that hangs would go on for seconds, and nobody hears of it any more.
  return process.exit(exitCodes.fine);
}

type ReadJournal = Pick<
  StoredJournal,
  'listIncidents' | 'readIncident' | 'readNotes' | 'readRequestsSince'
>;

/** What the words read that print `--json` in a terminal, of what in the app only reads. */
function toReading({
  config,
  targets,
  journal,
}: Pick<App, 'config' | 'targets' | 'journal'>): Reading {
  const configured = config.targets.map(({ target }) => target);
  const withJournal = async <T>(work: (log: ReadJournal) => Promise<T>): Promise<T> => {
    const missing = whyNoJournal(config);
    if (missing !== undefined) throw new Refusal(missing);
    try {
      return await work(await journal());
    } catch (error) {
      throw error instanceof JournalUnavailable ? new Refusal(error.message) : error;
    }
  };
  return {
    targets: configured.map(({ name }) => name),
    diagnose: async (target) => (await targets()).monitor.diagnose(target),
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
