import { createHealth } from '../../../src/http/health.ts';
import { createMeter } from '../../../src/http/metrics.ts';
import { createHttpServer } from '../../../src/http/server.ts';
import type { HttpServer } from '../../../src/http/server.ts';
import { Webhook } from '../../../src/http/webhook.ts';
import type { Incident } from '../../../src/runbook/incidents/incident.ts';
import { createIncidents } from '../../../src/runbook/incidents/incidents.ts';
import { defaultIncidentRules } from '../../../src/runbook/incidents/rules.ts';
import { defaultLimits } from '../../../src/runbook/snapshot/target.ts';
import type { Target } from '../../../src/runbook/snapshot/target.ts';
import { systemClock } from '../../../src/timing.ts';
import { makeJournalFolder } from '../../journal/temporary-journal.ts';

/** The part of dbconn that takes alerts: its real HTTP server, incidents and journal. */
export interface Intake {
  /** The open incident of a target. */
  incident(target: string): Promise<Incident | null>;
  /** The alerts that opened it or joined it and still fire. */
  firing(target: string): Promise<readonly string[]>;
  /** The alerts that have ended. */
  ended(target: string): Promise<readonly string[]>;
  /** Comes back with the same journal. */
  start(): Promise<void>;
  stop(): Promise<void>;
  close(): Promise<void>;
}

export async function openIntake(
  targets: readonly Target[],
  { port, token }: { readonly port: number; readonly token: string },
): Promise<Intake> {
  const folder = makeJournalFolder();
  const incidents = createIncidents({
    log: await folder.open(),
    clock: systemClock,
    targets,
    rules: defaultIncidentRules,
    policyOf: () => [],
  });
  let server: HttpServer | undefined;
  const incident = async (target: string): Promise<Incident | null> => {
    const current = await incidents.current(target);
    if (!current.ok) throw new Error(current.refusal.why);
    return current.value;
  };
  const alerts = async (target: string, ended: boolean): Promise<string[]> => {
    const triggers = (await incident(target))?.triggers ?? [];
    const told = triggers.filter(({ endedAt }) => (endedAt !== null) === ended);
    return told.flatMap((trigger) => (trigger.kind === 'alert' ? [trigger.name] : []));
  };
  return {
    incident,
    firing: (target) => alerts(target, false),
    ended: (target) => alerts(target, true),
    async start() {
      const log = { warn: () => undefined, error: () => undefined };
      const meter = createMeter();
      const webhook = new Webhook({
        secrets: { bearer: token },
        incidents,
        meter,
        clock: systemClock,
        log,
      });
      const health = createHealth([], systemClock);
      server = createHttpServer({ host: '127.0.0.1', port, webhook, health, meter, log });
      await server.open();
    },
    async stop() {
      await server?.close();
      server = undefined;
    },
    async close() {
      await server?.close();
      folder.close();
    },
  };
}

/** A target that alerts find by its compose project. */
export function intakeTarget(name: string, composeProject: string): Target {
  return {
    name,
    composeProject,
    postgresService: 'postgres',
    services: [{ name: 'backend', workers: 1 }],
    applicationRoles: [],
    protectedApplications: [],
    limits: defaultLimits,
    links: { guides: [] },
    contacts: {},
  };
}
