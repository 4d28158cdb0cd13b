import { open } from 'node:fs/promises';
import { ConfigError, readConfig } from './config.ts';
import { toPolicy } from './config/to-policy.ts';
import type { Policy } from './runbook/approval/policy.ts';
import { mostBundleBytes } from './runbook/post-incident/bundle/bundle.ts';
import { openBundle } from './runbook/post-incident/bundle/open-bundle.ts';
import type { Replay } from './runbook/post-incident/replay/replay.ts';
import { replayBundle } from './runbook/post-incident/replay/replay-bundle.ts';
import { exitCodes } from './terminal/exit-codes.ts';
import type { Paint } from './terminal/layout.ts';
import { renderReplay } from './terminal/render-replay.ts';
import { refused } from './with-journal.ts';
import type { Said } from './with-journal.ts';

/** `replay FILE [--json] [--head HASH]`, as it was typed. */
export interface ReplayCommand {
  readonly file: string | undefined;
  readonly head: string | undefined;
  readonly json: boolean;
  readonly paint: Paint;
  /** The rules that hold today; undefined where no dbconn.yml says any. */
  readonly policy: Policy | undefined;
}

/** Says what today's dbconn would say and decide otherwise. Needs no database, no journal and no Slack. */
export async function runReplayCommand(command: ReplayCommand): Promise<Said> {
  const { file, head, json, paint, policy } = command;
  if (file === undefined) return refused('Say which bundle: dbconn replay FILE.');
  const bytes = await readBounded(file);
  if (typeof bytes === 'string') return refused(`The bundle could not be read: ${bytes}`);
  const opened = await openBundle(bytes, head);
  if (!opened.ok) {
    const where = opened.line === null ? '' : ` Line ${opened.line}:`;
    return refused(`The bundle is refused.${where} ${opened.problem}`);
  }
  const replay = await replayBundle(opened.bundle, policy);
  const text = json ? JSON.stringify(replay, null, 2) : renderReplay(replay, paint);
  return { text, code: exitCodeOf(replay) };
}

function exitCodeOf({ judged, same }: Replay): number {
  if (judged === 0) return exitCodes.unknown;
  return same ? exitCodes.fine : exitCodes.warning;
}

/** The rules of dbconn.yml, where there is one. A file that was named must be readable. */
export function readPolicyOfToday(
  environment: Readonly<Record<string, string | undefined>>,
  named: string | undefined,
): Policy | undefined {
  try {
    const config = readConfig(environment, named);
    // DATABASE_URL alone names a database, and nobody who may do anything.
    return config.file === undefined ? undefined : toPolicy(config.approval);
  } catch (error) {
    const isNamed = named !== undefined || environment['DBCONN_CONFIG'] !== undefined;
    if (!(error instanceof ConfigError) || isNamed) throw error;
    return undefined;
  }
}

/** The bytes, or why there are none. One more than a bundle may have is enough to refuse it. */
async function readBounded(file: string): Promise<Uint8Array | string> {
  try {
    const handle = await open(file);
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(mostBundleBytes + 1), {
        position: 0,
      });
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    return problems[code] ?? 'the file gave an error.';
  }
}

const problems: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file.',
  EACCES: 'you may not read it.',
  EISDIR: 'that is a folder.',
};
