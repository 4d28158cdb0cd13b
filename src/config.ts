import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigFile } from './config/file.ts';
import type { TargetEntry } from './config/file.ts';
import type { Alerts, HeartbeatEntry, PagerEntry } from './config/incidents.ts';
import { readHttpAddress } from './config/http-address.ts';
import { toIncidentRules, toSteps } from './config/to-incident-rules.ts';
import type { EscalationStep } from './runbook/escalate/policy.ts';
import type { IncidentRules } from './runbook/incident/rules.ts';
import { defaultLimits } from './runbook/target.ts';
import type { Limits, Target } from './runbook/target.ts';

/** The only file that reads the environment. */
export interface Config {
  readonly targets: readonly TargetConfig[];
  /** The incident channel's id, such as C0123456789. */
  readonly channel?: string;
  readonly approval: ConfigFile['approval'];
  /** The dbconn.yml it was read from. */
  readonly file?: string;
  readonly journal: string;
  readonly incidents: IncidentRules;
  /** Who may send alerts; nobody where neither is set. */
  readonly alerts: Pick<Alerts, 'bearer' | 'basic'>;
  readonly pager: PagerEntry;
  readonly heartbeat?: HeartbeatEntry;
  /** Where webhooks, health and metrics are served; nowhere unless DBCONN_HTTP_PORT is set. */
  readonly http?: { readonly host: string; readonly port: number };
  readonly logLevel: string;
  /** The docker command's own variables. */
  readonly docker: Readonly<
    Record<'DOCKER_HOST' | 'DOCKER_TLS_VERIFY' | 'DOCKER_CERT_PATH', string | undefined>
  >;
}

export interface TargetConfig {
  readonly target: Target;
  readonly database: TargetEntry['database'];
  readonly compose?: TargetEntry['compose'];
  readonly pools: TargetEntry['pools'];
  readonly logs: TargetEntry['logs'];
  /** Whom its incidents call; the default policy where nothing is configured. */
  readonly escalation?: readonly EscalationStep[];
  readonly pager?: PagerEntry;
  readonly pgbouncer?: TargetEntry['pgbouncer'];
}

export interface SlackConfig {
  readonly connection:
    | { readonly kind: 'socket'; readonly appToken: string }
    | { readonly kind: 'http'; readonly signingSecret: string; readonly port: number };
  readonly botToken: string;
  readonly apiUrl?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Every problem of a configuration at once, each a sentence with its fix. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(['The configuration has problems:', ...problems.map((line) => `- ${line}`)].join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

export function readEnvironment(): Environment {
  return process.env;
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
  const tree = interpolate(parseYaml(readFileSync(file, 'utf8'), file), environment, problems);
  const result = ConfigFile.safeParse(tree);
  if (!result.success) problems.push(...result.error.issues.map(toSentence));
  if (problems.length > 0 || !result.success) throw new ConfigError(problems);
  return { ...toConfig(result.data, environment), file };
}

function parseYaml(text: string, file: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    // The parser's message quotes the line, which may hold a password.
    const at = z.object({ linePos: z.array(z.object({ line: z.number() })) }).safeParse(error);
    const line = at.success ? ` near line ${at.data.linePos[0]?.line ?? 1}` : '';
    throw new ConfigError([`${file} is not valid YAML${line}.`]);
  }
}

function configOfUrl(environment: Environment): ConfigFile {
  const url = environment['DATABASE_URL'];
  if (url === undefined || url === '') {
    throw new ConfigError(['Write a dbconn.yml, or set DATABASE_URL to look at one database.']);
  }
  const result = ConfigFile.safeParse({ targets: [{ name: 'default', database: { url } }] });
  if (result.success) return result.data;
  throw new ConfigError(['DATABASE_URL is not a postgres:// address.']);
}

/** `${NAME}` in any string is that environment variable; a missing one is a problem, not an empty string. */
function interpolate(value: unknown, environment: Environment, problems: string[]): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
      const found = environment[name];
      if (found === undefined) problems.push(`The environment variable ${name} is not set.`);
      return found ?? '';
    });
  }
  if (Array.isArray(value)) return value.map((item) => interpolate(item, environment, problems));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  return Object.fromEntries(entries.map(([k, v]) => [k, interpolate(v, environment, problems)]));
}

function toSentence(issue: z.core.$ZodIssue): string {
  const where = issue.path.map(String).join('.');
  return where === '' ? issue.message : `${where}: ${issue.message}`;
}

function toConfig(file: ConfigFile, environment: Environment): Config {
  const http = readHttpAddress(environment['DBCONN_HTTP_PORT'] ?? '');
  if (http === 'invalid') {
    const shape = 'a port such as 8080, or an address such as 127.0.0.1:8080';
    throw new ConfigError([`DBCONN_HTTP_PORT is not ${shape}.`]);
  }
  return {
    targets: file.targets.map((entry) => toTargetConfig(entry, file.escalation)),
    incidents: toIncidentRules(file.incidents, file.alerts),
    alerts: file.alerts,
    pager: file.pager,
    ...(file.heartbeat !== undefined && { heartbeat: file.heartbeat }),
    ...(http !== undefined && { http }),
    ...(file.slack?.channel !== undefined && { channel: file.slack.channel }),
    approval: file.approval,
    journal: file.journal ?? environment['DBCONN_JOURNAL'] ?? 'dbconn.sqlite',
    logLevel: environment['LOG_LEVEL'] ?? 'info',
    docker: {
      DOCKER_HOST: environment['DOCKER_HOST'],
      DOCKER_TLS_VERIFY: environment['DOCKER_TLS_VERIFY'],
      DOCKER_CERT_PATH: environment['DOCKER_CERT_PATH'],
    },
  };
}

function toTargetConfig(entry: TargetEntry, usual: ConfigFile['escalation']): TargetConfig {
  const { compose, database, logs, pools, pager, pgbouncer } = entry;
  const steps = entry.escalation ?? usual;
  const target: Target = {
    name: entry.name,
    services: entry.services,
    ...(compose?.postgres !== undefined && { postgresService: compose.postgres }),
    applicationRoles: entry.applicationRoles,
    protectedApplications: entry.protectedApplications,
    canAct: database.actingUrl !== undefined,
    canResize: compose?.directory !== undefined,
    limits: toLimits(entry.limits),
    links: entry.links,
    contacts: entry.contacts,
    alertLabels: entry.alertLabels,
    ...(compose !== undefined && { composeProject: compose.project }),
  };
  return {
    target,
    database,
    pools,
    logs,
    ...(compose !== undefined && { compose }),
    ...(steps !== undefined && { escalation: toSteps(steps) }),
    ...(pager !== undefined && { pager }),
    ...(pgbouncer !== undefined && { pgbouncer }),
  };
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

/** The tokens of the Slack app. Throws a ConfigError that names everything missing or contradictory at once. */
export function readSlackConfig(environment: Environment): SlackConfig {
  const problems: string[] = [];
  const botToken = environment['SLACK_BOT_TOKEN'] ?? '';
  const appToken = environment['SLACK_APP_TOKEN'] ?? '';
  const signingSecret = environment['SLACK_SIGNING_SECRET'] ?? '';
  const apiUrl = environment['SLACK_API_URL'] ?? '';
  const port = Number(environment['PORT'] ?? '3000');
  if (botToken === '') problems.push('SLACK_BOT_TOKEN is not set: the bot token (xoxb-…).');
  else if (!botToken.startsWith('xoxb-')) problems.push('SLACK_BOT_TOKEN must start with xoxb-.');
  if (appToken === '' && signingSecret === '') {
    problems.push('Set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP).');
  }
  if (appToken !== '' && !appToken.startsWith('xapp-')) {
    problems.push('SLACK_APP_TOKEN must start with xapp-.');
  }
  if (appToken !== '' && signingSecret !== '') {
    problems.push('Set either SLACK_APP_TOKEN or SLACK_SIGNING_SECRET, not both.');
  }
  if (!Number.isInteger(port) || port < 0 || port > 65_535) problems.push('PORT is not a port.');
  if (apiUrl !== '' && !URL.canParse(apiUrl)) problems.push('SLACK_API_URL is not an address.');
  if (problems.length > 0) throw new ConfigError(problems);
  return {
    connection:
      appToken === '' ? { kind: 'http', signingSecret, port } : { kind: 'socket', appToken },
    botToken,
    ...(apiUrl !== '' && { apiUrl }),
  };
}
