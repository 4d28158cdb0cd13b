import { z } from 'zod';
import { Severity } from '../runbook/diagnose/diagnosis.ts';
import { EscalationRole, ReasonName } from '../runbook/incidents/rules.ts';
import { Action } from '../runbook/remedies/remedy-request.ts';
import { RuntimeConfig, httpUrl, slackId } from '../runbook/snapshot/target.ts';
import { unitsInMs } from '../timing.ts';

/** `30s`, `10m` or `2h` in the file; milliseconds in the program. */
export const duration = z
  .string()
  .regex(/^\d+(ms|s|m|h|d)$/, 'is a duration such as 30s, 10m or 2h')
  .transform((text) => {
    const [, digits, unit = ''] = /^(\d+)(\w+)$/.exec(text) ?? [];
    return Number(digits) * (unitsInMs[unit] ?? Number.NaN);
  });

/** The parts of dbconn.yml about incidents: what opens one, whom it calls, and who watches dbconn itself. */

/** Short ones are guessed: nothing else keeps a stranger from opening incidents. */
const secret = z.string().min(16, 'is a secret of at least 16 characters').max(500);

export const Alerts = z.strictObject({
  /** What Alertmanager or Grafana send as `Authorization: Bearer`. */
  bearer: secret.exactOptional(),
  basic: z.strictObject({ user: z.string().min(1).max(200), password: secret }).exactOptional(),
  /** Alerts beside the runbook's own. */
  names: z
    .array(
      z.strictObject({ name: z.string().min(1).max(200), severity: Severity.default('warning') }),
    )
    .max(100)
    .default([]),
});
export type Alerts = z.infer<typeof Alerts>;

/** The shortest pause between two checks at one target: more would be load of its own. */
const every = duration.refine((ms) => ms >= 1000, { message: 'is a duration of at least 1s' });

export const IncidentsEntry = z.strictObject({
  /** False: only alerts and people open incidents. */
  watch: z.boolean().default(true),
  every: every.exactOptional(),
  openAfter: duration.exactOptional(),
  closeAfter: duration.exactOptional(),
  reopenWithin: duration.exactOptional(),
  askAgainAfter: duration.exactOptional(),
  overdueAfter: duration.exactOptional(),
  checklistAfter: duration.exactOptional(),
});
export type IncidentsEntry = z.infer<typeof IncidentsEntry>;

const StepEntry = z.strictObject({
  who: EscalationRole,
  after: duration,
  when: z.array(ReasonName).default([]),
  unlessAssigned: z.boolean().default(false),
});
/** Without the key: the runbook's own contacts in its own order. An empty list calls nobody. */
export const Steps = z.array(StepEntry).max(10);

export const PagerEntry = z.strictObject({
  pagerduty: z
    .strictObject({
      /** The integration key of a service's Events API v2. */
      routingKey: z.string().regex(/^[A-Za-z0-9]{32}$/, 'is not a key of 32 letters and digits'),
      /** `https://events.eu.pagerduty.com` in Europe. */
      url: httpUrl.default('https://events.pagerduty.com'),
    })
    .exactOptional(),
  webhook: z.strictObject({ url: httpUrl, secret }).exactOptional(),
});
export type PagerEntry = z.infer<typeof PagerEntry>;

/** An address that is called while dbconn is well, so that somebody hears when it is not. */
export const HeartbeatEntry = z.strictObject({ url: httpUrl, every: every.default(60_000) });
export type HeartbeatEntry = z.infer<typeof HeartbeatEntry>;

/** In a header, where a line end or a letter of another script would be an error of its own. */
const headerText = z.string().regex(/^[!-~]{1,8000}$/, 'is a secret without spaces');

/** Where the logs are read without Docker. The query is LogQL and gives lines: `{container="backend"} |= "connection"`. */
const LokiEntry = z
  .strictObject({
    url: httpUrl,
    query: z
      .string()
      .max(2000)
      .regex(/^\s*\{/, 'is LogQL that begins with a selector such as {container="backend"}'),
    bearer: headerText.exactOptional(),
    basic: z
      .strictObject({ user: z.string().min(1).max(200), password: z.string().min(1).max(8000) })
      .exactOptional(),
    /** One, or several with | between them. */
    tenant: z
      .string()
      .regex(/^[\w!.*'()|-]{1,500}$/, 'is the name of a tenant')
      .exactOptional(),
  })
  .refine(({ bearer, basic }) => bearer === undefined || basic === undefined, {
    message: 'has bearer and basic: set one of them',
  });

export const LogsEntry = z.strictObject({
  /** Of each container, from the end; of Loki as many for each service. */
  tail: z.number().int().min(1).max(5000).default(200),
  since: duration.exactOptional(),
  loki: LokiEntry.exactOptional(),
});

/** Who may propose and approve one action, and how. What is left out is in docs/dbconn.example.yml. */
const who = z.array(slackId('SUW', 'a person or a user group')).max(100).default([]);

/** More people than this are not found in time. */
const mostVotes = 10;
const votes = z.number().int().min(1).max(mostVotes);

/** At most a day: who approves a plan later than that no longer knows what it was made for. */
const longestExpiryMs = 86_400_000;
export const expiry = duration.refine((ms) => ms > 0 && ms <= longestExpiryMs, {
  message: 'is a duration of at most 24h',
});

export const Rule = z.strictObject({
  propose: who,
  approve: who,
  votes: votes.exactOptional(),
  clusterWideVotes: votes.exactOptional(),
  proposerMayVote: z.boolean().exactOptional(),
  reasonRequired: z.boolean().exactOptional(),
  expiry: expiry.exactOptional(),
  cooldown: duration.exactOptional(),
});
export type Rule = z.infer<typeof Rule>;

/** A user of the operating system. */
const terminalUser = z.string().min(1).max(100);

export const BreakGlassRule = z.strictObject({
  users: z.array(slackId('UW', 'a person')).max(20).default([]),
  terminal: z.array(terminalUser).max(20).default([]),
  actions: z.array(Action).default([]),
});

export const TerminalUsers = z.record(terminalUser, slackId('UW', 'a person'));

/** `runtime: rds`, or the same with what its server is called there. */
export const RuntimeEntry = z.preprocess(
  (given): unknown => (typeof given === 'string' ? { kind: given } : given),
  RuntimeConfig,
);

const path = z.string().regex(/^\//, 'is the path of a file and begins with /');

const behindSsh =
  'is behind SSH, which dbconn does not speak. Forward its socket with `ssh -nNT -L /run/engine.sock:/var/run/docker.sock user@host`, and name unix:///run/engine.sock';

const engineHost = z.string().superRefine((host, context) => {
  if (/^(?:unix:\/\/\/[^/]|npipe:\/\/.)/.test(host)) return;
  const url = /^(?:tcp|https?):\/\/[^/@?#]+\/?$/.test(host) ? URL.parse(host) : null;
  if (url !== null && url.hostname !== '') return;
  const shape = 'is not an address such as unix:///var/run/docker.sock or tcp://docker-proxy:2375';
  context.addIssue({ code: 'custom', message: host.startsWith('ssh:') ? behindSsh : shape });
});

/** The Docker engine of one target, where that is another than the environment's: by its address, or by a context. */
export const EngineEntry = z
  .strictObject({
    host: engineHost.exactOptional(),
    /** What proves the engine to dbconn, and dbconn to the engine. */
    tls: z
      .strictObject({
        ca: path.exactOptional(),
        cert: path.exactOptional(),
        key: path.exactOptional(),
      })
      .refine(({ cert, key }) => (cert === undefined) === (key === undefined), {
        message: 'needs both cert and key, or neither',
      })
      .exactOptional(),
    /** As `docker context ls` names it. */
    context: z
      .string()
      .regex(/^\w[\w.+-]{0,60}$/, 'is not the name of a docker context')
      .exactOptional(),
  })
  .refine(({ host, context }) => (host === undefined) !== (context === undefined), {
    message: 'takes either host or context. Leave it out to use DOCKER_HOST',
  })
  .refine(({ context }) => context !== 'default', {
    message: 'names the default context, which is DOCKER_HOST: leave compose.docker out',
  })
  .refine(({ host, tls }) => tls === undefined || /^(?:tcp|https):/.test(host ?? ''), {
    message: 'has tls, which only a host that begins with tcp:// can have',
  });
