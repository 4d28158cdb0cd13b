import { readEnvironment } from '../../config/environment.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import type { ReadOnlyWord } from '../../runbook/commands/words.ts';
import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import { systemClock } from '../../timing.ts';
import { exitCodeOf, exitCodeOfChecks, exitCodeOfPrevention, exitCodes, say } from '../output.ts';
import type { CommandResult } from '../output.ts';
import { renderChecks, renderDiagnosis } from '../render/diagnosis.ts';
import type { Paint } from '../render/layout.ts';
import type { App } from '../../app/deps.ts';

/** Between two checks of --watch; a check every two seconds costs the server nothing it would notice. */
const watchEveryMs = 2000;
const clearScreen = '\u001B[2J\u001B[H';

type CheckCommand = Extract<Command, { kind: 'look' }>;

export interface CheckCommandParts {
  readonly app: App;
  readonly json: boolean;
  readonly paint: Paint;
}

/** Answers a word that only reads, once or until it is interrupted. Returns the exit status of the last answer. */
export async function runCheckCommand(
  parts: CheckCommandParts,
  { word, target }: CheckCommand,
  keepWatching: boolean,
): Promise<number> {
  const show = (): Promise<number> =>
    word === 'doctor' ? runDoctor(parts, target) : answer(parts, { word, target });
  return keepWatching ? watch(parts.json, show) : show();
}

/** `prevention`: of the record's words the only one that takes a snapshot. */
export async function runPreventionCommand(
  { app, json, paint }: CheckCommandParts,
  target: string | null,
): Promise<CommandResult> {
  const { monitor } = await app.targets();
  const { renderPrevention } = await import('../render/prevention.ts');
  const prevention = await monitor.prevention(target ?? monitor.targets[0]?.name ?? '');
  const text = json ? JSON.stringify(prevention, null, 2) : renderPrevention(prevention, paint);
  return { text, code: exitCodeOfPrevention(prevention) };
}

interface Shown {
  readonly word: Exclude<ReadOnlyWord, 'doctor'>;
  readonly target: string;
}

async function answer(
  { app, json, paint }: CheckCommandParts,
  { word, target }: Shown,
): Promise<number> {
  const { monitor } = await app.targets();
  const diagnosis = await monitor.diagnose(target);
  say(await render(diagnosis, { word, json, paint }));
  return exitCodeOf(diagnosis);
}

async function render(
  diagnosis: Diagnosis,
  { word, json, paint }: Pick<Shown, 'word'> & Pick<CheckCommandParts, 'json' | 'paint'>,
): Promise<string> {
  if (!json) return renderDiagnosis(diagnosis, word, paint);
  const { renderJson } = await import('../render/json.ts');
  return renderJson(diagnosis);
}

async function runDoctor({ app, json, paint }: CheckCommandParts, target: string): Promise<number> {
  const checks = await app.doctor(target, readEnvironment());
  say(json ? JSON.stringify(checks, null, 2) : renderChecks(target, checks, paint));
  return exitCodeOfChecks(checks);
}

async function watch(json: boolean, show: () => Promise<number>): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  let code: number = exitCodes.unknown;
  while (!interrupted.signal.aborted) {
    if (process.stdout.isTTY && !json) process.stdout.write(clearScreen);
    code = await show();
    // The interrupt ends the pause, and with it the watch.
    await systemClock.sleep(watchEveryMs, interrupted.signal).catch(() => undefined);
  }
  return code;
}
