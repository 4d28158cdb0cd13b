import { existsSync } from 'node:fs';
import { ConfigError } from '../../config/environment.ts';
import type { Policy } from '../../runbook/approvals/policy.ts';
import { mostBundleBytes, openBundle } from '../../runbook/reports/sealed-export/bundle.ts';
import type { Replay } from '../../runbook/reports/sealed-export/replay.ts';
import { replayBundle } from '../../runbook/reports/sealed-export/replay.ts';
import { exitCodes, refused } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { readBounded } from '../read-file.ts';
import type { Paint } from '../render/layout.ts';
import { renderReplay } from '../render/replay.ts';

/** `replay FILE [--json] [--head HASH]`, as it was typed. */
interface ReplayCommand {
  readonly file: string | undefined;
  readonly head: string | undefined;
  readonly json: boolean;
  readonly paint: Paint;
  /** The rules that hold today; undefined where no dbconn.yml says any. */
  readonly policy: Policy | undefined;
}

/** Says what today's dbconn would say and decide otherwise. Needs no database, no journal and no Slack. */
export async function runReplayCommand(command: ReplayCommand): Promise<CommandResult> {
  const { file, head, json, paint, policy } = command;
  if (file === undefined) return refused('Say which bundle: dbconn replay FILE.');
  const bytes = await readBounded(file, mostBundleBytes);
  if (typeof bytes === 'string') return refused(`The bundle could not be read: ${bytes}`);
  const opened = await openBundle(bytes, head);
  if (!opened.ok) return refused(`The bundle is refused. ${opened.problem}`);
  const replay = await replayBundle(opened.bundle, policy);
  const text = json ? JSON.stringify(replay, null, 2) : renderReplay(replay, paint);
  return { text, code: exitCodeOf(replay) };
}

function exitCodeOf({ judged, same }: Replay): number {
  if (judged === 0) return exitCodes.unknown;
  return same ? exitCodes.fine : exitCodes.warning;
}

/** The rules of dbconn.yml, where there is one. A file that was named must be readable. */
export async function readPolicyOfToday(
  environment: Readonly<Record<string, string | undefined>>,
  named: string | undefined,
): Promise<Policy | undefined> {
  const isNamed = named !== undefined || environment['DBCONN_CONFIG'] !== undefined;
  if (!isNamed && !existsSync('dbconn.yml')) return undefined;
  const { readConfig } = await import('../../config/config.ts');
  const { toPolicy } = await import('../../config/to-rules.ts');
  try {
    return toPolicy(readConfig(environment, named).approval);
  } catch (error) {
    if (!(error instanceof ConfigError) || isNamed) throw error;
    return undefined;
  }
}
