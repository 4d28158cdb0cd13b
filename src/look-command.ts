import { systemClock } from './clock.ts';
import type { Config } from './config.ts';
import { createPatients } from './patients.ts';
import type { Command } from './runbook/commands.ts';
import type { Diagnosis } from './runbook/diagnose/diagnosis.ts';
import type { LookingWord } from './runbook/commands/words.ts';
import { createRunbook } from './runbook/runbook.ts';
import type { Patient, Runbook } from './runbook/runbook.ts';
import {
  exitCodeOf,
  exitCodeOfChecks,
  exitCodeOfPrevention,
  exitCodes,
} from './terminal/exit-codes.ts';
import type { Paint } from './terminal/layout.ts';
import { renderChecks, renderDiagnosis } from './terminal/render.ts';
import type { Said } from './terminal/said.ts';

/** Pauses between two looks of --watch; a look every two seconds costs the server nothing it would notice. */
const watchEveryMs = 2000;
const clearScreen = '\u001B[2J\u001B[H';

type Look = Extract<Command, { kind: 'look' }>;

export interface LookParts {
  readonly config: Config;
  readonly json: boolean;
  readonly paint: Paint;
}

/** Answers a word that only looks, once or until it is interrupted. Returns the exit status of the last answer. */
export async function runLookCommand(
  parts: LookParts,
  look: Look,
  keepWatching: boolean,
): Promise<number> {
  const patients = await createPatients(parts.config, systemClock);
  const runbook = createRunbook(patients, systemClock);
  const { word, target } = look;
  const show = (): Promise<number> =>
    word === 'doctor'
      ? examine({ ...parts, patients, runbook }, target)
      : answer({ ...parts, runbook }, { word, target });
  try {
    return await (keepWatching ? watch(parts.json, show) : show());
  } finally {
    await runbook.close();
  }
}

/** `prevention`: of the record's words only this one takes a look. */
export async function runPreventionCommand(
  { config, json, paint }: LookParts,
  target: string | null,
): Promise<Said> {
  const runbook = createRunbook(await createPatients(config, systemClock), systemClock);
  try {
    const { renderPrevention } = await import('./terminal/render-prevention.ts');
    const prevention = await runbook.prevention(target ?? runbook.targets[0]?.name ?? '');
    const text = json ? JSON.stringify(prevention, null, 2) : renderPrevention(prevention, paint);
    return { text, code: exitCodeOfPrevention(prevention) };
  } finally {
    await runbook.close();
  }
}

type Looking = LookParts & { readonly runbook: Runbook };

interface Shown {
  readonly word: Exclude<LookingWord, 'doctor'>;
  readonly target: string;
}

async function answer({ runbook, json, paint }: Looking, { word, target }: Shown): Promise<number> {
  const diagnosis = await runbook.diagnose(target);
  console.log(await render(diagnosis, { word, json, paint }));
  return exitCodeOf(diagnosis);
}

async function render(
  diagnosis: Diagnosis,
  { word, json, paint }: Pick<Shown, 'word'> & Pick<Looking, 'json' | 'paint'>,
): Promise<string> {
  if (!json) return renderDiagnosis(diagnosis, word, paint);
  const { renderJson } = await import('./terminal/json.ts');
  return renderJson(diagnosis);
}

async function examine(
  { runbook, config, json, paint, patients }: Looking & { readonly patients: readonly Patient[] },
  target: string,
): Promise<number> {
  const { checkRules } = await import('./check-rules.ts');
  const checks = [...(await runbook.doctor(target)), ...checkRules(config, patients, target)];
  console.log(json ? JSON.stringify(checks, null, 2) : renderChecks(target, checks, paint));
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
