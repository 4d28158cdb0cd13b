import { existsSync, readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { EscalationStep, IncidentRules } from '../runbook/incidents/rules.ts';
import { defaultLimits } from '../runbook/snapshot/target.ts';
import type { Limits, Target } from '../runbook/snapshot/target.ts';
import { chooseJournal, readHttpAddress } from './addresses.ts';
import type { Alerts } from './entries.ts';
import { ConfigError, interpolate, readVariable, shownKey } from './environment.ts';
import type { Environment } from './environment.ts';
import { ConfigFile } from './file.ts';
import type { TargetEntry } from './file.ts';
import { readSlackConfig } from './slack-settings.ts';
import type { SlackConfig } from './slack-settings.ts';
import { neverRestartOf, ownRolesOf, toIncidentRules, toSteps } from './to-rules.ts';

/** All that dbconn is told, by its file and its environment. */
export interface Config extends Pick<ConfigFile, 'approval' | 'pager' | 'heartbeat'> {
  readonly targets: readonly TargetConfig[];
  /** The incident channel's id, such as C0123456789. */
  readonly channel?: string;
  /** The dbconn.yml it was read from. */
  readonly file?: string;
  readonly journal: string;
  /** The setting that named it, as an operator knows it. */
  readonly journalSetting: string;
  readonly incidents: IncidentRules;
  /** Who may send alerts; nobody where neither is set. */
  readonly alerts: Pick<Alerts, 'bearer' | 'basic'>;
  /** Where webhooks, health and metrics are served; nowhere unless DBCONN_HTTP_PORT is set. */
  readonly http?: { readonly host: string; readonly port: number };
  readonly logLevel: string;
  /** The docker command's own variables. */
  readonly docker: Readonly<
    Record<
      'DOCKER_HOST' | 'DOCKER_TLS_VERIFY' | 'DOCKER_CERT_PATH' | 'DOCKER_CONFIG',
      string | undefined
    >
  >;
}

export interface TargetConfig extends Pick<
  TargetEntry,
  'database' | 'compose' | 'pools' | 'logs' | 'pager' | 'pgbouncer'
> {
  readonly target: Target;
  /** Whom its incidents call; the default policy where nothing is configured. */
  readonly escalation?: readonly EscalationStep[];
}

/**
 * Reads dbconn.yml (or the file DBCONN_CONFIG or `path` names) with the environment.
 * Without a file, DATABASE_URL alone makes one target called `default`.
 * Throws a ConfigError that names every problem; a secret is never part of it.
 */
export function readConfig(environment: Environment, path?: string): Config {
  const named = path ?? environment['DBCONN_CONFIG'];
  const file = named ?? 'dbconn.yml';
  if (!existsSync(file)) {
    if (named !== undefined) throw new ConfigError([`There is no file ${file}.`]);
    return toConfig(configOfUrl(environment), environment);
  }
  const problems: string[] = [];
  const tree = interpolate(parseYaml(readText(file), file), { environment, problems, path: '' });
  const result = ConfigFile.safeParse(tree);
  if (!result.success) problems.push(...result.error.issues.map(toSentence));
  if (problems.length > 0 || !result.success) throw new ConfigError(problems);
  return { ...toConfig(result.data, environment, file), file };
}

/** More is no dbconn.yml. */
export const mostConfigBytes = 8_388_608;

/** Throws a ConfigError. A pipe is refused, for a name that leads to one would be waited for; what a shell hands over is not. */
export function readText(file: string): string {
  let why: string;
  try {
    const stats = statSync(file);
    if (stats.isFIFO() && !/^\/(?:dev|proc)\//.test(file)) why = ' (a pipe)';
    else if (stats.size > mostConfigBytes) why = ' (larger than 8 MiB)';
    else return readFileSync(file, 'utf8');
  } catch (error) {
    why = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  }
  const advice = 'It must be a file that the user dbconn runs as may read';
  throw new ConfigError([`${file} cannot be read${why}. ${advice}.`]);
}

function parseYaml(text: string, file: string): unknown {
  try {
    // What the parser would warn of goes to the log as it is, with the line.
    return parse(text, { logLevel: 'error' });
  } catch (error) {
    // The parser's message quotes the line, which may hold a password.
    const at = z.object({ linePos: z.array(z.object({ line: z.number() })) }).safeParse(error);
    const line = at.success ? ` near line ${at.data.linePos[0]?.line ?? 1}` : '';
    throw new ConfigError([`${file} is not valid YAML${line}.`]);
  }
}

function configOfUrl(environment: Environment): ConfigFile {
  const url = readVariable(environment, 'DATABASE_URL');
  if (url === undefined || url === '') {
    throw new ConfigError(['Write a dbconn.yml, or set DATABASE_URL to check one database.']);
  }
  const result = ConfigFile.safeParse({ targets: [{ name: 'default', database: { url } }] });
  if (result.success) return result.data;
  throw new ConfigError(result.error.issues.map(({ message }) => `DATABASE_URL ${message}.`));
}

function toSentence(issue: z.core.$ZodIssue): string {
  const where = issue.path.map(shownKey).join('.');
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [];
  const isNamed = unknown.every((key) => shownKey(key) === key);
  const what = isNamed ? issue.message : 'A key here is no name: check the indentation.';
  return where === '' ? what : `${where}: ${what}`;
}

function toConfig(file: ConfigFile, environment: Environment, name = 'dbconn.yml'): Config {
  const http = readHttpAddress(environment['DBCONN_HTTP_PORT'] ?? '');
  if (http === 'invalid') {
    const shape = 'a port such as 8080, or an address such as 127.0.0.1:8080';
    throw new ConfigError([`DBCONN_HTTP_PORT is not ${shape}.`]);
  }
  const { targets, incidents, slack, escalation, journal: named, ...rest } = file;
  const journal = chooseJournal(named, environment['DBCONN_JOURNAL'], name);
  return {
    ...rest,
    ...journal,
    targets: targets.map((entry) =>
      toTargetConfig(entry, {
        escalation,
        ownRoles: ownRolesOf(entry.database, journal.journal, environment),
        neverRestart: neverRestartOf(entry, targets),
      }),
    ),
    incidents: toIncidentRules(incidents, file.alerts),
    ...(http !== undefined && { http }),
    ...(slack?.channel !== undefined && { channel: slack.channel }),
    logLevel: environment['LOG_LEVEL'] ?? 'info',
    docker: {
      DOCKER_HOST: environment['DOCKER_HOST'],
      DOCKER_TLS_VERIFY: environment['DOCKER_TLS_VERIFY'],
      DOCKER_CERT_PATH: environment['DOCKER_CERT_PATH'],
      DOCKER_CONFIG: environment['DOCKER_CONFIG'],
    },
  };
}

interface Around {
  /** Whom incidents call where a target does not say otherwise. */
  readonly escalation: ConfigFile['escalation'];
  readonly ownRoles: readonly string[];
  readonly neverRestart: readonly string[] | undefined;
}

function toTargetConfig(
  entry: TargetEntry,
  { escalation, ownRoles, neverRestart }: Around,
): TargetConfig {
  const { name, services, applicationRoles, protectedApplications, ...more } = entry;
  const { limits, links, contacts, alertLabels, runtime, escalation: own, ...adapters } = more;
  const { compose, database } = adapters;
  const steps = own ?? escalation;
  const target: Target = {
    name,
    services,
    ...(compose?.postgres !== undefined && { postgresService: compose.postgres }),
    ...(neverRestart !== undefined && { neverRestart }),
    applicationRoles,
    protectedApplications,
    ownRoles,
    canAct: database.actingUrl !== undefined,
    canResize: compose?.directory !== undefined,
    limits: toLimits(limits),
    links,
    contacts,
    alertLabels,
    ...(compose !== undefined && { composeProject: compose.project }),
    ...(compose?.docker !== undefined && { engine: { context: compose.docker.context ?? null } }),
    ...(runtime !== undefined && { runtime }),
  };
  return { ...adapters, target, ...(steps !== undefined && { escalation: toSteps(steps) }) };
}

/** What the bot needs to start. Throws one ConfigError with the problems of Slack's settings and of the file. */
export function readBotConfig(environment: Environment): { config: Config; slack: SlackConfig } {
  const [slack, config] = [
    attempt(() => readSlackConfig(environment)),
    attempt(() => readConfig(environment)),
  ];
  if (slack instanceof ConfigError || config instanceof ConfigError) {
    const failed = [slack, config].filter((result) => result instanceof ConfigError);
    throw new ConfigError(failed.flatMap(({ problems }) => problems));
  }
  return { config, slack };
}

function attempt<T>(read: () => T): T | ConfigError {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** In the file a duration is `10m`; in the program it bears its unit in its name. */
function toLimits(given: TargetEntry['limits']): Limits {
  const defaults = defaultLimits;
  return {
    warningUtilisation: given.warningUtilisation ?? defaults.warningUtilisation,
    criticalUtilisation: given.criticalUtilisation ?? defaults.criticalUtilisation,
    criticalFreeSlots: given.criticalFreeSlots ?? defaults.criticalFreeSlots,
    idleInTransactionWarningMs:
      given.idleInTransactionWarning ?? defaults.idleInTransactionWarningMs,
    terminateIdleInTransactionMs:
      given.terminateIdleInTransaction ?? defaults.terminateIdleInTransactionMs,
    terminateIdleMs: given.terminateIdle ?? defaults.terminateIdleMs,
    slowQueryMs: given.slowQuery ?? defaults.slowQueryMs,
    lockWaitMs: given.lockWait ?? defaults.lockWaitMs,
    poolUtilisation: given.poolUtilisation ?? defaults.poolUtilisation,
  };
}
