import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { ConfigError } from '../config/environment.ts';
import type { Environment } from '../config/environment.ts';
import { readSlackConfig } from '../config/slack-settings.ts';
import { createLog } from '../log.ts';
import { openPager } from '../pagers/pagers.ts';
import type { People } from '../runbook/approvals/people.ts';
import { worstFirst } from '../runbook/diagnose/doctor.ts';
import type { Check } from '../runbook/diagnose/doctor.ts';
import { checkEscalation } from '../runbook/escalation/channels.ts';
import { policyOf } from '../runbook/escalation/policy.ts';
import type { Pager } from '../runbook/escalation/ports.ts';
import type { IncidentDeps } from '../runbook/incidents/incident-log.ts';
import { createIncidents } from '../runbook/incidents/incidents.ts';
import type { Incidents } from '../runbook/incidents/incidents.ts';
import type { EscalationStep } from '../runbook/incidents/rules.ts';
import type { Target } from '../runbook/snapshot/target.ts';
import { capital, list } from '../runbook/snapshot/words.ts';
import { within } from '../timing.ts';
import type { Clock } from '../timing.ts';
import type { App } from './deps.ts';

type IncidentParts = Omit<IncidentDeps, 'targets' | 'rules' | 'policyOf'> & {
  readonly config: Pick<Config, 'targets' | 'incidents' | 'pager'>;
};

/** The one way to incidents for all targets of a configuration. */
export function openIncidents({ config, ...ports }: IncidentParts): Incidents {
  return createIncidents({
    ...ports,
    targets: config.targets.map(({ target }) => target),
    rules: config.incidents,
    policyOf: readPolicies(config),
  });
}

/** Whom an incident of each target calls, as it is frozen into one that opens now. */
function readPolicies({
  targets,
  pager: usual,
}: Pick<Config, 'targets' | 'pager'>): (target: string) => readonly EscalationStep[] {
  const entries = new Map(targets.map((entry) => [entry.target.name, entry]));
  return (name) => {
    const entry = entries.get(name);
    const pager = entry?.pager ?? usual;
    const canPage = pager.pagerduty !== undefined || pager.webhook !== undefined;
    const contacts = entry?.target.contacts ?? {};
    return policyOf({ steps: entry?.escalation, contacts, canPage });
  };
}

interface PagersParts {
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts what waits to be tried again, when the bot stops. */
  readonly signal: AbortSignal;
}

/** What wakes people for each target: its own pager, else the one for all. */
export function openPagers(
  config: Pick<Config, 'targets' | 'pager'>,
  { clock, log, signal }: PagersParts,
): (target: string) => Pager | undefined {
  const wire = { fetch, clock, log, signal };
  const usual = openPager(config.pager, wire);
  const pagers = new Map(
    config.targets.map(({ target, pager }) => [
      target.name,
      pager === undefined ? usual : openPager(pager, wire),
    ]),
  );
  // What was paged for a target that is configured no more has an end too.
  return (target) => (pagers.has(target) ? pagers.get(target) : usual);
}

/** For doctor: whether those whom an incident of a target calls can be reached. Pages nobody. */
export function createCallsCheck(
  config: Pick<Config, 'targets' | 'pager' | 'channel'>,
  pagerOf: (target: string) => Pager | undefined,
): (target: string) => Promise<readonly Check[]> {
  const { channel } = config;
  const policyOf = readPolicies(config);
  const contacts = new Map(config.targets.map(({ target }) => [target.name, target.contacts]));
  return async (name) => {
    const pager = pagerOf(name);
    const reach = { contacts: contacts.get(name) ?? {}, channel, pager };
    const pagers = await checkPager(pager);
    const isSilent = pagers.some(({ state }) => state !== 'ok');
    // That people are woken is not said of a pager that gives no answer.
    const calls = checkEscalation(policyOf(name), reach).filter(
      ({ state }) => !(isSilent && state === 'ok'),
    );
    return [...calls, ...pagers];
  };
}

/** Whether a key is right shows only to somebody who is paged. */
async function checkPager(pager: Pager | undefined): Promise<readonly Check[]> {
  if (pager?.findSilent === undefined) return [];
  const subject = 'Pager';
  const silent = await pager.findSilent();
  if (silent.length === 0) {
    const summary = `${capital(pager.name)} can be reached; its key was not tried.`;
    return [{ subject, state: 'ok', summary }];
  }
  const summary = `${capital(list(silent))} cannot be reached.`;
  return [
    {
      subject,
      state: 'missing',
      summary,
      fix: 'Check pager in dbconn.yml, and the network between.',
    },
  ];
}

/** What doctor says beside a target's own checks. Records and pages nothing. */
export async function checkAround(
  { config, clock }: { readonly config: Config; readonly clock: Clock },
  target: string,
  pagerOf: (target: string) => Pager | undefined,
): Promise<readonly Check[]> {
  const { checkJournal } = await import('./journal.ts');
  const [calls, journal] = await Promise.all([
    createCallsCheck(config, pagerOf)(target),
    checkJournal(config, clock),
  ]);
  return [...calls, journal];
}

/** What doctor says in a terminal: the same as in Slack, as far as this environment has a token to ask Slack with. */
export async function runDoctor(
  app: App,
  name: string,
  environment: Environment,
): Promise<readonly Check[]> {
  const { config, deps } = app;
  const { monitor } = await app.targets();
  const signal = new AbortController().signal;
  const pagerOf = openPagers(config, { clock: deps.clock, log: createLog('silent'), signal });
  const { checks, people } = await openSlackCheck(config, environment);
  const approvals = await app.dryRun({
    onChange: () => undefined,
    onFault: (_, error) => console.error(error),
    ...(people !== undefined && { people }),
  });
  const target = monitor.targets.find((one) => one.name === name);
  const [found, around, slack, named] = await Promise.all([
    monitor.doctor(name),
    checkAround({ config, clock: deps.clock }, name, pagerOf),
    target === undefined ? [] : inTime(checks(target), deps.clock),
    people === undefined ? [] : inTime(approvals.checkPeople(target?.contacts), deps.clock),
  ]);
  return worstFirst([...approvals.check(name, [...found, ...named]), ...around, ...slack]);
}

const slackMs = 9000;

async function inTime(asked: Promise<readonly Check[]>, clock: Clock): Promise<readonly Check[]> {
  const summary = `Slack did not answer within ${slackMs / 1000} s.`;
  const fix = 'Check the way to Slack from here.';
  const late: Check = { subject: 'Slack', state: 'missing', summary, fix };
  return (await within(asked, slackMs, clock)) ?? [late];
}

interface SlackCheck {
  readonly checks: (target: Target) => Promise<readonly Check[]>;
  /** Absent where Slack cannot be asked. */
  readonly people?: People;
}

async function openSlackCheck(config: Config, environment: Environment): Promise<SlackCheck> {
  const only = (...checks: readonly Check[]): SlackCheck => ({
    checks: () => Promise.resolve(checks),
  });
  const named = ['SLACK_BOT_TOKEN', 'SLACK_BOT_TOKEN_FILE'].map((name) => environment[name] ?? '');
  if (named.every((value) => value === '')) {
    const summary = 'SLACK_BOT_TOKEN is not set here, so Slack was not asked.';
    const fix = 'Ask for doctor in Slack, or set SLACK_BOT_TOKEN here.';
    return only({ subject: 'Slack', state: 'off', summary, fix });
  }
  try {
    const slack = readSlackConfig(environment);
    const { createSlackCheck } = await import('../slack/handlers/doctor-slack.ts');
    const { botToken, apiUrl } = slack;
    const address = { botToken, ...(apiUrl !== undefined && { apiUrl }) };
    return createSlackCheck({ ...address, channel: config.channel, log: createLog('silent') });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return only(
      ...error.problems.map((summary): Check => ({ subject: 'Slack', state: 'missing', summary })),
    );
  }
}
