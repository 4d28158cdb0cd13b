import { gatherEvidence } from '../../diagnose/evidence.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { ServiceConfig } from '../../snapshot/target.ts';
import { count } from '../../snapshot/words.ts';
import type { Planner, PlannerPorts } from '../by-hand/planner.ts';
import type { Plan, PlanDraft } from '../plan.ts';
import type { RemedyRequest } from '../remedy-request.ts';
import { done, refuse } from '../remedy.ts';
import type { Answer, Item } from '../remedy.ts';
import { countOfService, isOfService, mayResize } from '../replicas/service-replicas.ts';
import { effectOf } from './restart-service.ts';

/** Option C where dbconn does not see the processes: a service is told by its sessions. */
export function planRestarts(ports: PlannerPorts): Planner {
  return {
    option: 'C',
    propose: (ask) => proposeRestart(ports, ask),
    recheck: ({ targets }) => Promise.resolve({ left: targets, skipped: [] }),
    readBack: (plan, since) => readBack(ports, plan, since),
  };
}

async function proposeRestart(ports: PlannerPorts, ask: RemedyRequest): Promise<Answer<PlanDraft>> {
  if (ask.kind !== 'restart') throw new Error('Option C only restarts services.');
  const service = mayRestart(ports, ask.service);
  if (!service.ok) return service;
  const { name } = service.value;
  const snapshot = await ports.takeSnapshot();
  const connections = countOfService(snapshot, ports.target, name);
  const { frees, cost } = effectOf(snapshot, ports.target, name);
  return done({
    option: 'C',
    target: ports.target.name,
    ask: { kind: 'restart', service: name },
    title: `Restart ${name}`,
    subject: name,
    targets: [{ kind: 'service', name, connections }],
    skipped: [],
    skippedTotal: 0,
    cost: [...cost, 'Requests in progress fail.', 'Startup may run migrations.'],
    frees,
    undo: 'Not needed: a restart changes no setting.',
    undoAsk: null,
    steps: [`Restart ${name}`],
    risk: 'medium',
  });
}

function mayRestart(ports: PlannerPorts, name: string): Answer<ServiceConfig> {
  if (name !== ports.target.postgresService) return mayResize(ports, name);
  const next = 'Restarting PostgreSQL ends every session: use option B for that.';
  return refuse('postgres', 'Option C does not restart PostgreSQL.', next);
}

/** A session opened before the commands were shown belongs to a process that was not restarted. */
async function readBack(ports: PlannerPorts, { ask }: Plan, since: string): Promise<Item[]> {
  const name = ask.kind === 'restart' ? ask.service : '';
  const old = countOld(ports, await ports.takeSnapshot(), { name, since });
  const item = { what: name, lines: [] };
  if (old === null) {
    return [{ ...item, outcome: 'unknown', detail: 'dbconn cannot see its processes.' }];
  }
  if (old === 0) {
    return [{ ...item, outcome: 'restarted', detail: 'All its sessions are new.' }];
  }
  const are = old === 1 ? 'is' : 'are';
  const detail = `${count(old, 'session')} ${are} older than the restart: a process was not restarted.`;
  return [{ ...item, outcome: 'not reached', detail }];
}

interface Since {
  readonly name: string;
  /** UTC ISO text. */
  readonly since: string;
}

/** Null where nobody can tell: the database was not read, or a pooler keeps the sessions. */
function countOld(
  { clock, target }: PlannerPorts,
  snapshot: Snapshot,
  { name, since }: Since,
): number | null {
  const { reading } = snapshot.database;
  const { behindPoolers } = gatherEvidence({ snapshot, target, recent: [] });
  if (reading === undefined || behindPoolers.has(name)) return null;
  const sinceSeconds = (clock.now() - Date.parse(since)) / 1000;
  const own = reading.sessions.filter(isOfService(snapshot, target, name));
  return own.filter(({ connectionAgeSeconds }) => connectionAgeSeconds > sinceSeconds).length;
}
