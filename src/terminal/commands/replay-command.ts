import { existsSync } from 'node:fs';
import { ConfigError } from '../../config/environment.ts';
import type { Policy } from '../../runbook/approvals/policy.ts';
import { mostBundleBytes, openBundle } from '../../runbook/reports/sealed-export/bundle.ts';
import type {
  Difference,
  Replay,
  ReplayedCheck,
  ReplayedRequest,
} from '../../runbook/reports/sealed-export/replay.ts';
import { replayBundle } from '../../runbook/reports/sealed-export/replay.ts';
import { count } from '../../runbook/snapshot/words.ts';
import { exitCodes, refused } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { readBounded } from '../read-file.ts';
import { shown, wrap } from '../render/layout.ts';
import type { Paint } from '../render/layout.ts';

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

/** What today's dbconn would say and decide otherwise, line by line of the bundle. */
export function renderReplay(replay: Replay, paint: Paint): string {
  const { examinations, requests, leftOut, journalProblem } = replay;
  return [
    paint('bold', `Replay of ${replay.incident} (${replay.target})`),
    wrap(
      `Sealed by dbconn ${replay.sealedBy} at ${replay.sealedAt}, head ${replay.head.slice(0, 12)}. Rules: ${policies[replay.policy]}.`,
    ),
    ...(journalProblem === null
      ? []
      : [
          paint(
            'red',
            wrap(`The journal it was sealed from was not as it was written. ${journalProblem}`),
          ),
        ]),
    ...examinations.map((one) => renderReplayedCheck(one, paint)),
    ...requests.map((one) => renderRequest(one, paint)),
    ...(leftOut.examinations === 0
      ? []
      : [wrap(`${count(leftOut.examinations, 'check')} did not fit into the bundle.`)]),
    '',
    toVerdict(replay, paint),
  ].join('\n');
}

function toVerdict({ judged, same }: Replay, paint: Paint): string {
  if (judged === 0) return 'It holds nothing that could be judged, so nothing is proved.';
  return same
    ? paint('green', wrap('The same: today’s dbconn comes to the same diagnoses and decisions.'))
    : paint('yellow', wrap('Today’s dbconn would say or decide something else.'));
}

const policies: Readonly<Record<Replay['policy'], string>> = {
  today: 'those of dbconn.yml today',
  sealed: 'those sealed in the bundle, as there is no dbconn.yml here',
};

function renderReplayedCheck(one: ReplayedCheck, paint: Paint): string {
  const { at, why, truncated, differences, entry } = one;
  const note = truncated ? ', kept in part: what differs is not counted' : '';
  const title = `check at ${at.slice(11, 19)} (${why}${note}), journal entry ${entry}`;
  return renderLine(title, differences, paint);
}

function renderRequest({ id, differences }: ReplayedRequest, paint: Paint): string {
  return renderLine(`request ${id}`, differences, paint);
}

function renderLine(title: string, differences: readonly Difference[], paint: Paint): string {
  const mark = differences.length === 0 ? paint('green', '=') : paint('yellow', shown('≠'));
  return [`${mark} ${title}`, ...differences.map((one) => wrap(toSentence(one), '    '))].join(
    '\n',
  );
}

function toSentence({ what, sealed, today }: Difference): string {
  const [was, is] = [sealed ?? 'none', today ?? 'none'];
  switch (what) {
    case 'finding-appeared':
      return `a finding appears: ${is}`;
    case 'finding-gone':
      return `a finding is gone: ${was}`;
    case 'plan-hash':
      return 'the plan is not the one its votes were for';
    case 'proposer':
      return `${was} could not propose it`;
    case 'vote':
      return `the vote of ${was} would not count`;
    case 'break-glass':
      return `${was} could not run it without its votes`;
    case 'expiry':
      return `votes would be accepted for ${is} instead of ${was}`;
    case 'votes-needed':
      return `it would need ${is} votes instead of ${was}`;
    case 'unreadable':
      return 'this dbconn cannot judge it';
    default:
      return `${what}: ${is}, it was ${was}`;
  }
}
