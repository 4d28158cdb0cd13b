import { readEnvironment } from '../../config/environment.ts';
import type { Command } from '../../runbook/commands/parse-command.ts';
import type { ReadOnlyWord } from '../../runbook/commands/words.ts';
import type { Diagnosis } from '../../runbook/diagnose/diagnosis.ts';
import { systemClock } from '../../timing.ts';
import {
  exitCodeOf,
  exitCodeOfChecks,
  exitCodeOfPrevention,
  exitCodes,
  say,
  withProgress,
} from '../output.ts';
import type { CommandResult } from '../output.ts';
import { renderChecks, renderDiagnosis, renderJson } from '../render/diagnosis.ts';
import type { Paint } from '../render/layout.ts';
import type { App } from '../../app/deps.ts';

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
  if (!keepWatching) return show();
  const { hasScreen, watchEveryMs, watchScreen } = await import('./watch-command.ts');
  if (word === 'doctor' || parts.json || !hasScreen()) return watch(watchEveryMs, show);
  const { app, paint } = parts;
  const targets = app.config.targets.map((one) => one.target.name);
  const check = async (name: string): Promise<Diagnosis> =>
    nameDatabase(app, await (await app.targets()).monitor.diagnose(name));
  const last = await watchScreen({ check, targets, paint }, { word, target });
  return last === undefined ? exitCodes.unknown : exitCodeOf(last);
}

/** `prevention`: of the record's words the only one that takes a snapshot. */
export async function runPreventionCommand(
  { app, json, paint }: CheckCommandParts,
  target: string | null,
): Promise<CommandResult> {
  const { monitor } = await app.targets();
  const { renderPrevention } = await import('../render/requests.ts');
  const name = target ?? monitor.targets[0]?.name ?? '';
  const prevention = await withProgress(`Checking ${nameOf(app, name)}`, () =>
    monitor.prevention(name),
  );
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
  const diagnosis = await withProgress(`Checking ${nameOf(app, target)}`, () =>
    monitor.diagnose(target),
  );
  if (json) say(renderJson(diagnosis));
  else {
    const more = word === 'status' ? await byHand({ app, paint }, diagnosis) : '';
    say(renderDiagnosis(nameDatabase(app, diagnosis), word, paint) + more);
  }
  return exitCodeOf(diagnosis);
}

async function runDoctor({ app, json, paint }: CheckCommandParts, target: string): Promise<number> {
  const checks = await withProgress(`Checking ${nameOf(app, target)}`, () =>
    app.doctor(target, readEnvironment()),
  );
  say(json ? JSON.stringify(checks, null, 2) : renderChecks(target, checks, paint));
  return exitCodeOfChecks(checks);
}

/** Answer after answer, for a pipe or a terminal that has nothing but lines. */
async function watch(everyMs: number, show: () => Promise<number>): Promise<number> {
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  let code: number = exitCodes.unknown;
  while (!interrupted.signal.aborted) {
    code = await show();
    // The interrupt ends the pause, and with it the watch.
    await systemClock.sleep(everyMs, interrupted.signal).catch(() => undefined);
  }
  return code;
}

/** Where only DATABASE_URL is set nothing can be approved, and a person with psql does it. */
async function byHand(
  { app: { config }, paint }: Pick<CheckCommandParts, 'app' | 'paint'>,
  diagnosis: Diagnosis,
): Promise<string> {
  const target = config.targets[0]?.target;
  if (config.file !== undefined || target === undefined) return '';
  const { renderByHand } = await import('../render/by-hand.ts');
  // psql does not know SQLAlchemy's drivers.
  const isPlain = /^\s*postgres(?:ql)?:/i.test(readEnvironment()['DATABASE_URL'] ?? '');
  const connection = isPlain
    ? '"$DATABASE_URL"'
    : `"$(echo "$DATABASE_URL" | sed 's/+[a-z0-9]*:/:/')"`;
  return renderByHand(diagnosis, { target, connection }, paint);
}

/** For people, a target that only DATABASE_URL names is called by its database. */
function nameOf({ config }: App, target: string): string {
  const url = config.targets[0]?.database.url;
  return config.file !== undefined || url === undefined ? target : databaseOf(url);
}

function nameDatabase(app: App, diagnosis: Diagnosis): Diagnosis {
  return { ...diagnosis, target: nameOf(app, diagnosis.target) };
}

/** `shop on db.example.com:5432`, as libpq would read the address; no part of a password. */
function databaseOf(address: string): string {
  const { hostname, port, pathname, username, searchParams } = new URL(address);
  const host = searchParams.get('host') ?? decodeURIComponent(hostname);
  const user = searchParams.get('user') ?? decodeURIComponent(username);
  const database = decodeURIComponent(pathname.slice(1));
  const place = `${host === '' ? 'localhost' : host}:${searchParams.get('port') ?? (port === '' ? '5432' : port)}`;
  return `${database === '' ? user : database} on ${place}`;
}
